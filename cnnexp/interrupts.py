"""What ends a run from outside as an exception, so that it can end truly."""


class Terminated(BaseException):
    """SIGTERM arrived: like KeyboardInterrupt, no error of the run's own."""


class Pruned(BaseException):
    """A search gave the run up: it looked hopeless beside the others."""
