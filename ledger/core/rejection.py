"""Refusals. A refused command leaves nothing behind but its code, the field it concerns and a sentence that helps."""


class Rejected(Exception):
    """The first failing check of a command: `code` of contract section 9, `field`, and what to do as free text."""

    __slots__ = ("code", "field", "message")

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.field = field

    def kept(self) -> "Rejected":
        """The same without the frames it came through: they hold all that its batch was decided from and the outcomes
        of the batch before, whose refusals hold theirs, and so on to the beginning of the run."""
        self.__traceback__ = self.__context__ = self.__cause__ = None
        return self

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
