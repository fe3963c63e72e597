"""The credit a contributor chooses, checked before it is shown to them and bound by a grant."""

from __future__ import annotations

from urllib.parse import urlsplit

from ledger.errors import DefinedbyError
from ledger.model import Credit, Handle, NameForm, clean_name

MOST_CHARACTERS = 120
MOST_LINK_CHARACTERS = 500


class CreditError(DefinedbyError):
    """This credit can't be used as it stands; the sentence says what is missing."""


def chosen_credit(
    form: str,
    *,
    name: str = "",
    handle: str = "",
    url: str = "",
    role: str = "",
    organisation: str = "",
    picture: str = "",
) -> Credit:
    """The credit in the form chosen. What that form does not show is not kept either.

    Raises CreditError when the form lacks what it shows, a part is too long, or the link is not
    a web address.
    """
    try:
        name_form = NameForm(form)
    except ValueError as error:
        raise CreditError(
            "Please choose how you want to be named.", "Pick one of those on the page."
        ) from (error)
    hidden = {
        NameForm.NAME: (),
        NameForm.FIRST_NAME: ("handle",),
        NameForm.HANDLE: ("name",),
        NameForm.PSEUDONYM: ("handle",),
        NameForm.ANONYMOUS: ("name", "handle", "url", "picture"),
    }[name_form]
    if name_form is NameForm.FIRST_NAME:
        name = next(iter(clean_name(name).split()), "")
    parts = {"name": name, "handle": handle, "url": url, "role": role, "organisation": organisation}
    parts["picture"] = picture
    credit = Credit(name_form, **{k: "" if k in hidden else v for k, v in parts.items()})
    _check(credit)
    return credit


def suggested_credit(handle: Handle) -> Credit:
    """What we would guess from the handle an answer came from; its author changes it freely.

    Never a picture: to show one is their own idea.
    """
    shown = handle.address if handle.address.startswith("@") else ""
    if handle.name:
        return Credit(NameForm.NAME, name=handle.name, handle=shown, url=_web(handle.url))
    if shown:
        return Credit(NameForm.HANDLE, handle=shown, url=_web(handle.url))
    return Credit(NameForm.ANONYMOUS)


def _check(credit: Credit) -> None:
    if not credit.display_name:
        wanted = "handle" if credit.form is NameForm.HANDLE else "name"
        raise CreditError(f"The {wanted} is empty.", "Fill it in, or choose another way.")
    for part in ("name", "handle", "role", "organisation"):
        if len(getattr(credit, part)) > MOST_CHARACTERS:
            raise CreditError(
                f"The {part} is longer than {MOST_CHARACTERS} characters.", "Shorten it."
            )
    if credit.url and (len(credit.url) > MOST_LINK_CHARACTERS or not _web(credit.url)):
        raise CreditError(
            "The link is not a web address.", "Write it whole, like https://you.example/."
        )


def _web(url: str) -> str:
    """The link when it is a plain http(s) address, else nothing."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return ""
    return url if usable and not any(c.isspace() for c in url) else ""
