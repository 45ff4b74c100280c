"""The one exception that means "the user can mend this"."""


class UserError(ValueError):
    """What must hold, what it is instead, and what to do, in one sentence.

    Entry points print the sentence and exit with `exit_code`; any other exception is a bug and keeps its traceback.
    """

    exit_code = 2
