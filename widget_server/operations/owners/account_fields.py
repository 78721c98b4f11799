"""Check what a person types about their account."""

from widget_server.model.errors import TextRejectedError


def check_name(name: str) -> str:
    """Return a person's name on one line. Raises `TextRejectedError`."""
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= 100 or not cleaned.isprintable():
        raise TextRejectedError.in_field("name", "Write a name of 1 to 100 characters.")
    return cleaned


def check_email(email: str) -> str:
    """Return an address without outer spaces. Raises `TextRejectedError`."""
    address = email.strip()
    local, at, host = address.rpartition("@")
    good = at and local and "." in host and len(address) <= 254 and address.isprintable()
    if not good or any(char.isspace() for char in address):
        raise TextRejectedError.in_field(
            "email", "Write an e-mail address such as name@example.org."
        )
    return address
