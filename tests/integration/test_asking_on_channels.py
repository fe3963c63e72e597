"""A question goes out where its person answered, by that channel's rules, from real servers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from collector.dispatch import dispatch
from collector.polling import poll_all
from collector.read import read_new
from consent.decisions import refuse
from consent.errors import NotNowError
from consent.requests import Asked, ask
from consent.ways import WayName
from ledger import stopping
from ledger.accounts import account_by_id
from ledger.database import Ledger
from ledger.handed_over import handed_over, settle_by_hand
from ledger.model import Campaign, ReplyKind, ReplyState
from ledger.outbox import STOPPED, Message, MessageState
from ledger.paused import pause, resume
from ledger.replies import desk_replies
from ledger.sent import message_of_request, messages_in
from ledger.spending import spent
from ledger.tables import outbox, requests
from tests.conftest import SteppingClock
from tests.sending_houses import (
    HOUSES,
    PRIVATE,
    PUBLIC,
    ROBIN,
    WAYS,
    BlueskyHouse,
    House,
    MastodonHouse,
    XHouse,
)
from tests.servers.bluesky_faults import PLAIN
from tests.servers.bluesky_faults import Fault as SkyFault
from tests.servers.mastodon_http import Fault
from tests.servers.x_http import Fault as XFault


@pytest.fixture
def house(request: pytest.FixtureRequest, ledger: Ledger, campaign: Campaign) -> Iterator[House]:
    built = HOUSES[request.param](ledger, campaign)
    with built.server:
        built.move_in()
        yield built


def message_of(house: House, asked: Asked) -> Message:
    with house.ledger.read() as connection:
        found = message_of_request(connection, asked.request.id)
    assert found is not None
    return found


def sealed(house: House) -> list[tuple[str, str]]:
    with house.ledger.read() as connection:
        columns = outbox.c.sealed_body, outbox.c.sealed_composer
        return [
            tuple(row) for row in connection.execute(outbox.select().with_only_columns(*columns))
        ]


def by_hand(house: House) -> list[Message]:
    with house.ledger.read() as connection:
        return handed_over(connection, house.ledger.keys)


@pytest.mark.parametrize(("house", "way", "private"), WAYS, indirect=["house"])
def test_a_question_is_sent_where_it_was_answered(
    house: House, way: WayName, private: bool
) -> None:
    asked = house.asked(way, private=private)
    assert asked.way is not None
    assert asked.way.account.id == house.account.id
    report = dispatch(house.ledger)
    assert report.sent == 1, [message_of(house, asked).error]
    (text,) = house.sent()
    is_secret = way is PRIVATE
    has_link = is_secret and not asked.way.is_without_link
    assert ("/p/" in text) is has_link
    assert bool(asked.link) is has_link, "it is not even made for what everyone can read"
    assert asked.link in text
    # The words are in it either way; without a link so is the credit: nothing else shows it.
    assert "listening, number 1" in text
    assert has_link or f"credited to {asked.request.credit.line}" in asked.body
    assert "stop" in text
    message = message_of(house, asked)
    assert (message.state, message.private) == (MessageState.SENT, is_secret)
    assert message.external_id
    assert sealed(house) == [("", "")]
    assert dispatch(house.ledger).sent == 0


@pytest.mark.parametrize("house", ["mastodon"], indirect=True)
def test_mastodon_answers_their_post_for_their_eyes_alone(house: MastodonHouse) -> None:
    house.asked()
    dispatch(house.ledger)
    (posted,) = house.server.posted()
    assert posted["visibility"] == "direct"
    assert house.server.statuses[int(posted["in_reply_to_id"])]["account"]["username"] == "ada1"


@pytest.mark.parametrize("house", ["x"], indirect=True)
def test_x_gets_no_message_before_one_of_theirs_and_one_answer_to_each(
    house: XHouse, clock: SteppingClock
) -> None:
    with pytest.raises(NotNowError, match="no such way"):
        house.asked(PRIVATE)
    first = house.asked()
    assert first.way is not None
    assert first.way.name is PUBLIC
    dispatch(house.ledger)
    refuse(house.ledger, first.request.id, {})
    clock.pass_time(days=91)
    # They said no, long ago; whoever asks again has to do so by hand.
    again = ask(house.ledger, first.request.definition_id, asked_by=ROBIN)
    assert again.way is None
    assert dispatch(house.ledger).sent == 0
    assert len(house.sent()) == 1


@pytest.mark.parametrize("house", ["x"], indirect=True)
def test_what_x_charges_is_counted_and_its_cap_keeps_messages_here(
    house: XHouse, clock: SteppingClock
) -> None:
    house.asked()
    with house.ledger.read() as connection:
        before = spent(connection, house.account.id, clock())
    dispatch(house.ledger)
    with house.ledger.read() as connection:
        assert spent(connection, house.account.id, clock()) - before == 15_000
    house.asked()
    house.move(monthly_cap=0.01)
    assert dispatch(house.ledger).postponed == 1
    (waiting,) = waiting_in(house, MessageState.APPROVED)
    assert "cap of $0.01 is reached; nothing more is read or sent" in waiting.error
    house.move(monthly_cap=100)
    clock.pass_time(days=1)
    assert dispatch(house.ledger).sent == 1


def waiting_in(house: House, state: MessageState) -> list[Message]:
    with house.ledger.read() as connection:
        return messages_in(connection, state)


@pytest.mark.parametrize("house", ["x"], indirect=True)
def test_a_renewed_login_is_kept_when_sending(house: XHouse) -> None:
    house.asked()
    house.server.tokens.clear()
    dispatch(house.ledger)
    with house.ledger.read() as connection:
        known = account_by_id(connection, house.ledger.keys, house.account.id)
    assert "token-2" in known.secret
    assert len(house.sent()) == 1


# ------------------------------------------------------------------ what must not be public
@pytest.mark.parametrize("house", ["mastodon", "bluesky", "x"], indirect=True)
def test_a_personal_link_never_stands_in_public(house: House) -> None:
    public = house.ledger.settings.public_url
    with pytest.raises(NotNowError, match="must not stand in public"):
        house.asked(PUBLIC, note=f"See {public}/p/abc")
    # Should a link get into the row in any other way, the last door is closed as well.
    asked = house.asked(PUBLIC)
    with house.ledger.write() as connection:
        body = house.ledger.keys.encrypt(f"{public}/p/abc")
        connection.execute(outbox.update().values(sealed_body=body))
    assert dispatch(house.ledger).failed == 1
    assert house.sent() == []
    assert "personal link in public" in message_of(house, asked).error


@pytest.mark.parametrize("house", ["mastodon", "bluesky", "x"], indirect=True)
def test_a_public_question_tells_nobody_else(house: House) -> None:
    with pytest.raises(NotNowError, match="@eve_example would be told"):
        house.asked(PUBLIC, note="As @eve_example says:")
    with house.ledger.read() as connection:
        assert connection.execute(requests.select()).all() == []


@pytest.mark.parametrize(
    ("house", "way", "most"),
    [("mastodon", PRIVATE, 500), ("bluesky", PUBLIC, 300), ("x", PUBLIC, 280)],
    indirect=["house"],
)
def test_what_is_too_long_is_said_before_anything_is_asked(
    house: House, way: WayName, most: int
) -> None:
    with pytest.raises(NotNowError, match="characters too long") as error:
        house.asked(way, note="x" * most)
    assert "Shorten your own word" in error.value.next_step
    assert waiting_in(house, MessageState.APPROVED) == []


@pytest.mark.parametrize("house", ["mastodon", "bluesky"], indirect=True)
def test_long_words_are_shortened_where_their_page_shows_the_whole(
    house: House,
) -> None:
    asked = house.asked(PRIVATE, words="Thought leadership is listening" + ", and again" * 90)
    assert dispatch(house.ledger).sent == 1
    (text,) = house.sent()
    assert "…”" in text
    assert asked.link in text


# ------------------------------------------------------------------ handed over to people
def open_handed_over(house: XHouse) -> Asked:
    asked = house.asked()
    for post in house.server.posts:
        post["_mentions"] = []  # now a reply to it is a person's to write
    assert dispatch(house.ledger).handed_over == 1
    return asked


@pytest.mark.parametrize("house", ["x"], indirect=True)
def test_what_x_leaves_to_people_waits_for_one_and_is_never_tried_again(
    house: XHouse, clock: SteppingClock
) -> None:
    asked = open_handed_over(house)
    tries = len(house.server.requests("/2/tweets"))
    clock.pass_time(days=2)
    assert dispatch(house.ledger).handed_over == 0
    assert len(house.server.requests("/2/tweets")) == tries == 1
    (message,) = by_hand(house)
    assert message.composer.startswith("https://x.com/intent/post?in_reply_to=")
    assert message.body == asked.body
    assert "mentioned" in message.error
    assert waiting_in(house, MessageState.FAILED) == []
    # Neither the words nor the address that holds them lie open.
    ((body, composer),) = sealed(house)
    assert body
    assert composer
    assert "listening" not in body + composer
    with house.ledger.write() as connection:
        assert settle_by_hand(connection, message.id, clock(), sent=True)
        assert not settle_by_hand(connection, message.id, clock(), sent=False)
    assert message_of(house, asked).state is MessageState.SENT
    assert sealed(house) == [("", "")]


@pytest.mark.parametrize("house", ["x"], indirect=True)
def test_a_dropped_one_is_forgotten(house: XHouse, clock: SteppingClock) -> None:
    asked = open_handed_over(house)
    with house.ledger.write() as connection:
        assert settle_by_hand(connection, by_hand(house)[0].id, clock(), sent=False)
    assert by_hand(house) == []
    assert message_of(house, asked).state is MessageState.FAILED
    assert sealed(house) == [("", "")]


@pytest.mark.parametrize("house", ["x"], indirect=True)
def test_p11_a_stop_takes_what_was_handed_over_from_the_desk(
    house: XHouse, clock: SteppingClock
) -> None:
    asked = open_handed_over(house)
    with house.ledger.write() as connection:
        stopping.stop(connection, house.ledger.keys, clock(), asked.request.contributor_id, {})
    assert by_hand(house) == []
    assert message_of(house, asked).error in (STOPPED, "It was no longer needed.")
    assert sealed(house) == [("", "")]


@pytest.mark.parametrize("house", ["x"], indirect=True)
def test_an_answer_takes_what_was_handed_over_from_the_desk(house: XHouse) -> None:
    asked = open_handed_over(house)
    refuse(house.ledger, asked.request.id, {})
    assert by_hand(house) == []
    assert sealed(house) == [("", "")]


@pytest.mark.parametrize("house", ["bluesky"], indirect=True)
def test_a_password_without_that_right_leaves_the_message_to_a_person(house: BlueskyHouse) -> None:
    house.server.scope = PLAIN
    asked = house.asked(PRIVATE)
    assert dispatch(house.ledger).handed_over == 1
    (message,) = by_hand(house)
    assert message.composer == f"https://bsky.app/profile/{message.recipient}"
    assert "/p/" not in message.composer
    assert asked.link in message.body
    assert house.sent() == []


@pytest.mark.parametrize("house", ["bluesky"], indirect=True)
def test_who_takes_no_messages_is_not_pressed(house: BlueskyHouse) -> None:
    asked = house.asked(PRIVATE)
    house.server.closed_to_messages.add(message_of(house, asked).recipient)
    assert dispatch(house.ledger).failed == 1
    assert "answer their post in public" in message_of(house, asked).error


@pytest.mark.parametrize("house", ["mastodon"], indirect=True)
def test_a_permanent_error_is_final_and_says_why(
    house: MastodonHouse, clock: SteppingClock
) -> None:
    asked = house.asked()
    house.server.faults.append(Fault(method="POST", status=422, body=b'{"error": "Not like that"}'))
    assert dispatch(house.ledger).failed == 1
    clock.pass_time(days=2)
    assert dispatch(house.ledger).sent == 0
    message = message_of(house, asked)
    assert (
        "does not take this post: Not like that. Change what it complains about." in message.error
    )
    assert sealed(house) == [("", "")]


# ------------------------------------------------------------------ later, and not at all
@pytest.mark.parametrize("house", ["mastodon", "bluesky", "x"], indirect=True)
def test_too_many_requests_wait_until_the_platform_says(house: House, clock: SteppingClock) -> None:
    later = clock() + timedelta(minutes=7)
    for _ in range(2):
        house.asked()
    if isinstance(house, MastodonHouse):
        reset = {"X-RateLimit-Reset": later.isoformat()}
        house.server.faults.append(Fault(method="POST", status=429, headers=reset))
    elif isinstance(house, BlueskyHouse):
        reset = {"ratelimit-reset": str(int(later.timestamp()))}
        nsid = "chat.bsky.convo.sendMessage"
        house.server.faults.append(SkyFault(nsid, 429, b"{}", reset))
    else:
        reset = {"x-rate-limit-reset": str(int(later.timestamp())), "x-rate-limit-remaining": "0"}
        house.server.spoil("/2/tweets", XFault(429, headers=reset))
    assert dispatch(house.ledger).postponed == 1
    clock.pass_time(minutes=6, seconds=50)
    # Neither that message nor any other of the account knocks before.
    report = dispatch(house.ledger)
    assert (report.sent, report.postponed) == (0, 0)
    clock.pass_time(seconds=20)
    assert dispatch(house.ledger).sent == 2
    assert len(house.sent()) == 2


@pytest.mark.parametrize("house", ["mastodon", "bluesky", "x"], indirect=True)
def test_p15_a_paused_instance_sends_nothing_anywhere(house: House) -> None:
    house.asked()
    with house.ledger.write() as connection:
        pause(connection, "It was restored.")
    assert dispatch(house.ledger).sent == 0
    assert house.sent() == []
    with house.ledger.write() as connection:
        resume(connection)
    assert dispatch(house.ledger).sent == 1


# ------------------------------------------------------------------ their answer
@pytest.mark.parametrize("house", ["mastodon"], indirect=True)
def test_an_answer_to_what_we_sent_is_known_as_one(house: MastodonHouse) -> None:
    house.asked()
    dispatch(house.ledger)
    (posted,) = house.server.posted()
    ada = next(known for known, one in house.server.accounts.items() if one["username"] == "ada1")
    house.server.mention(ada, "is that so", answers=int(posted["id"]), visibility="direct")
    poll_all(house.ledger)
    read_new(house.ledger)
    with house.ledger.read() as connection:
        newest = desk_replies(connection, house.campaign.id, ReplyState.NEW)[0]
    assert newest.reading.kind is ReplyKind.OTHER
    assert "answers a message of ours" in newest.reading.reason
