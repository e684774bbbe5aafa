"""SIGTERM as an exception, so that a run can end truly."""


class Terminated(BaseException):
    """SIGTERM arrived: like KeyboardInterrupt, no error of the run's own."""
