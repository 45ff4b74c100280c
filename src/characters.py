"""Characters, and what Python's texts may hold that is none."""

import re

# Of UTF-16; no UTF-8 can hold it. JSON may say it, and Python makes it of bytes on the command line that are no UTF-8
HALF_A_PAIR = re.compile("[\ud800-\udfff]")
