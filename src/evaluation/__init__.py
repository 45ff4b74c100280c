"""A finished run measured again, on its own reviews or on other ones."""
