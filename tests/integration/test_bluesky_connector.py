"""The Bluesky connector at a real PDS and AppView: what people do there is what we read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collector.channels.bluesky import BlueskyConnector
from collector.connector import ChannelError, Context, OutgoingMessage, PromptPost, SourceState
from ledger.model import Account, Channel, IncomingReply, Page
from tests.servers import bluesky
from tests.servers.bluesky import BlueskyNetwork, Person, shown_notifications, wait_until

MOST_PAGES = 60
#: Where its packages are not yet there, the first test waits until they are installed.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def network(bluesky_network: BlueskyNetwork) -> BlueskyNetwork:
    return bluesky_network


class Sky:
    """Our account on the network, with its connector and what that kept."""

    def __init__(self, network: BlueskyNetwork) -> None:
        self.owner = network.person("owner")
        self.password = self.owner.app_password()
        self.kept: list[str] = []
        self.connector = self.opened()

    def account(self, **secret: str) -> Account:
        options = {"handle": self.owner.handle, "base_url": self.owner.base_url}
        given = json.dumps({"password": self.password, "session": "", **secret})
        return Account(1, Channel.BLUESKY, "sky", "c1", options, given)

    def opened(self, *prompts: PromptPost, per_request: int = 100) -> BlueskyConnector:
        context = Context(prompts=prompts, keep_secret=self.kept.append)
        secret = json.loads(self.kept[-1]) if self.kept else {}
        return BlueskyConnector(self.account(**secret), context, per_request=per_request)

    def prompt(self) -> tuple[PromptPost, dict[str, str]]:
        posted = self.connector.post("Thought leadership is ___?", "campaign")
        # The AppView makes no notification of an answer that it sees before the post itself.
        uri = posted.external_id
        wait_until(lambda: self.connector.look_again([uri])[uri] is SourceState.THERE, "the prompt")
        return posted, {"uri": posted.external_id, "cid": posted.thread_id}


@pytest.fixture
def sky(network: BlueskyNetwork) -> Sky:
    return Sky(network)


@pytest.fixture
def ada(network: BlueskyNetwork) -> Person:
    return network.person("ada")


def read_all(connector: BlueskyConnector, limit: int = 100, cursor: str = "") -> list[Page]:
    pages = []
    for _ in range(MOST_PAGES):
        pages.append(connector.fetch(cursor, limit))
        cursor = pages[-1].next_cursor
        if not pages[-1].more:
            return pages
    pytest.fail("It never said that there is no more.")


def replies_of(pages: list[Page]) -> list[IncomingReply]:
    return [reply for page in pages for reply in page.replies]


def one_reply(sky: Sky) -> IncomingReply:
    shown_notifications(sky.owner, 1)
    (reply,) = sky.connector.fetch("", 5).replies
    return reply


def test_p16_answers_of_many_arrive_once_in_order_whatever_the_page(
    network: BlueskyNetwork, sky: Sky
) -> None:
    _, prompt = sky.prompt()
    people = network.crowd(2)
    written = [
        people[number % 2].answer(prompt, f"Thought leadership is lamp {number}")["uri"]
        for number in range(7)
    ]
    shown_notifications(sky.owner, 7)
    for limit, per_request in ((1, 100), (3, 2), (100, 100)):
        pages = read_all(sky.opened(per_request=per_request), limit)
        assert [reply.external_id for reply in replies_of(pages)] == written
        assert all(len(page.replies) <= limit for page in pages)
        last = pages[-1].next_cursor
        assert sky.connector.fetch(last, limit).replies == ()
        for page in pages[:3]:
            again = [sky.connector.fetch(page.next_cursor, 4).replies for _ in range(2)]
            assert again[0] == again[1]
    late = people[0].answer(prompt, "One more lamp")["uri"]
    shown_notifications(sky.owner, 8)
    assert [reply.external_id for reply in sky.connector.fetch(last, 5).replies] == [late]


def test_an_answer_is_read_with_its_author(sky: Sky, ada: Person) -> None:
    posted, prompt = sky.prompt()
    sky.owner.answer(prompt, "Our own words")
    answer = ada.answer(prompt, "Thought leadership is ünï 🕯️ at")
    reply = one_reply(sky)
    assert reply.external_id == answer["uri"]
    assert reply.text == "Thought leadership is ünï 🕯️ at"
    assert (reply.address, reply.contact) == (f"@{ada.handle}", ada.did)
    assert reply.in_reply_to == (posted.external_id,)
    assert reply.source_url.endswith(answer["uri"].rpartition("/")[2])
    assert reply.written_at is not None
    assert answer["cid"] in reply.raw


def test_shortened_links_are_read_in_full(sky: Sky, ada: Person) -> None:
    _, prompt = sky.prompt()
    text = "Dänk: sample.example/lo… says it"
    start = text.encode().index(b"sample")
    end = start + len("sample.example/lo…".encode())
    feature = {"$type": "app.bsky.richtext.facet#link", "uri": "https://sample.example/long"}
    facet = {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}
    ada.answer(prompt, text, facets=[facet])
    assert one_reply(sky).text == "Dänk: https://sample.example/long says it"


def test_mentions_and_quotes_are_read_too(sky: Sky, ada: Person) -> None:
    posted, prompt = sky.prompt()
    feature = {"$type": "app.bsky.richtext.facet#mention", "did": sky.owner.did}
    name = f"@{sky.owner.handle}"
    facet = {"index": {"byteStart": 0, "byteEnd": len(name)}, "features": [feature]}
    ada.write(f"{name} it is a lamp", facets=[facet])
    embed = {"$type": "app.bsky.embed.record", "record": prompt}
    ada.write("It is a door", embed=embed)
    shown_notifications(sky.owner, 2)
    mention, quote = sky.connector.fetch("", 5).replies
    assert mention.text == f"{name} it is a lamp"
    assert quote.text == "It is a door"
    assert quote.in_reply_to == (posted.external_id,)


def test_an_answer_dated_back_is_found_behind_newer_ones(sky: Sky, ada: Person) -> None:
    _, prompt = sky.prompt()
    ada.answer(prompt, "In time")
    shown_notifications(sky.owner, 1)
    cursor = sky.connector.fetch("", 5).next_cursor
    hour_ago = bluesky.moment_ago(3600)
    ada.answer(prompt, "By a slow clock", createdAt=hour_ago)
    shown_notifications(sky.owner, 2)
    assert [reply.text for reply in sky.connector.fetch(cursor, 5).replies] == ["By a slow clock"]


def test_the_thread_brings_the_answers_of_people_without_notification(
    sky: Sky, ada: Person, network: BlueskyNetwork
) -> None:
    posted, prompt = sky.prompt()
    sky.owner.call("app.bsky.graph.muteActor", actor=ada.did)
    written = ada.answer(prompt, "A quiet lamp")
    network.crowd(1)[0].answer(prompt, "A loud lamp")
    shown_notifications(sky.owner, 1)
    assert [reply.text for reply in sky.connector.fetch("", 5).replies] == ["A loud lamp"]
    pages = read_all(sky.opened(posted))
    assert sorted(reply.text for reply in replies_of(pages)) == ["A loud lamp", "A quiet lamp"]
    assert written["uri"] in {reply.external_id for reply in replies_of(pages)}
    assert replies_of(read_all(sky.opened(posted), cursor=pages[-1].next_cursor)) == []


def test_p38_deleted_edited_and_protected_sources_are_noticed(
    sky: Sky, network: BlueskyNetwork
) -> None:
    _, prompt = sky.prompt()
    names = ("stays", "deletes", "edits", "leaves", "blocks")
    people = {name: network.person(name) for name in names}
    posts = {name: person.answer(prompt, f"It {name}") for name, person in people.items()}
    shown_notifications(sky.owner, len(posts))
    first = sky.connector.fetch("", 10)
    assert len(first.replies) == len(posts)

    people["deletes"].delete(posts["deletes"]["uri"])
    _edit(people["edits"], posts["edits"]["uri"], prompt, "It was edited")
    people["leaves"].call("com.atproto.server.deactivateAccount")
    people["blocks"].call(
        "com.atproto.repo.createRecord",
        repo=people["blocks"].did,
        collection="app.bsky.graph.block",
        record={"subject": sky.owner.did, "createdAt": bluesky.moment_ago(0)},
    )
    expected = {
        "stays": SourceState.THERE,
        "deletes": SourceState.GONE,
        "edits": SourceState.EDITED,
        "leaves": SourceState.PROTECTED,
        "blocks": SourceState.PROTECTED,
    }
    wanted = {f"{post['uri']}#{post['cid']}": name for name, post in posts.items()}

    def as_expected() -> bool:
        states = sky.connector.look_again(list(wanted))
        return {wanted[one]: state for one, state in states.items()} == expected

    wait_until(as_expected, "the AppView to follow")
    again = sky.connector.fetch(first.next_cursor, 10)
    assert [(one.external_id, one.text) for one in again.edited] == [
        (posts["edits"]["uri"], "It was edited")
    ]
    assert again.replies == ()


def _edit(person: Person, uri: str, parent: dict[str, str], text: str) -> None:
    record = {
        "$type": "app.bsky.feed.post",
        "text": text,
        "createdAt": bluesky.moment_ago(0),
        "reply": {"root": parent, "parent": parent},
    }
    person.call(
        "com.atproto.repo.putRecord",
        repo=person.did,
        collection="app.bsky.feed.post",
        rkey=uri.rpartition("/")[2],
        record=record,
    )


def test_p10_the_same_message_twice_is_one_answer_in_the_thread(sky: Sky, ada: Person) -> None:
    posted, prompt = sky.prompt()
    ada.answer(prompt, "A lamp")
    reply = one_reply(sky)
    message = OutgoingMessage(
        "<m1@sample.example>",
        reply.contact,
        "",
        f"@{ada.handle}: may we? See https://sample.example/c",
        in_reply_to=reply.external_id,
        private=False,
    )
    sent = [sky.connector.send(message) for _ in range(2)]
    assert sent[0] == sent[1]
    shown_notifications(ada, 1)
    (notice,) = ada.query("app.bsky.notification.listNotifications")["notifications"]
    assert notice["uri"] == sent[0]
    record: dict[str, Any] = notice["record"]
    assert record["reply"]["root"]["uri"] == posted.external_id
    assert record["reply"]["parent"]["uri"] == reply.external_id
    features = [facet["features"][0] for facet in record["facets"]]
    assert {feature.get("uri") or feature["did"] for feature in features} == {
        ada.did,
        "https://sample.example/c",
    }
    mine = sky.owner.query(
        "com.atproto.repo.listRecords", repo=sky.owner.did, collection="app.bsky.feed.post"
    )
    assert len(mine["records"]) == 2  # the prompt and this answer


def test_the_prompt_is_posted_once_for_each_key(sky: Sky) -> None:
    posted, _ = sky.prompt()
    assert sky.prompt()[0] == posted
    assert posted.url.startswith(f"https://bsky.app/profile/{sky.owner.handle}/post/")
    with pytest.raises(ChannelError, match="Another text") as caught:
        sky.connector.post("Leadership is ___?", "campaign")
    assert caught.value.permanent


def test_a_session_is_kept_and_goes_on_without_the_password(sky: Sky) -> None:
    sky.connector.fetch("", 5)
    assert len(sky.kept) == 1
    session = json.loads(sky.kept[0])["session"]
    context = Context(keep_secret=sky.kept.append)
    resumed = BlueskyConnector(sky.account(password="wrong", session=session), context)
    for _ in range(3):
        resumed.fetch("", 5)
    assert len(sky.kept) == 1
    # A token that this server did not make: the refresh token is asked for another one.
    handle, did, access, refresh, server = session.split(":::")
    spoilt = ":::".join((handle, did, access[:-8] + "AAAAAAAA", refresh, server))
    renewed = BlueskyConnector(sky.account(password="wrong", session=spoilt), context)
    renewed.fetch("", 5)
    assert len(sky.kept) == 2


def test_a_wrong_password_needs_a_person_and_many_must_wait(sky: Sky) -> None:
    wrong = BlueskyConnector(sky.account(password="wrong"), Context())
    with pytest.raises(ChannelError) as caught:
        wrong.check()
    assert caught.value.permanent
    for _ in range(40):  # the server evaluates 30 in 5 minutes
        with pytest.raises(ChannelError) as caught:
            wrong.check()
        if not caught.value.permanent:
            break
    assert not caught.value.permanent
    assert caught.value.retry_after is not None
    assert 1 <= caught.value.retry_after.total_seconds() <= 300


def test_the_check_says_what_the_login_may(sky: Sky) -> None:
    said = sky.connector.check()
    assert said.startswith(f"Signed in to Bluesky as @{sky.owner.handle}; direct messages are left")
    assert "label its profile as automated" in said
    labels = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "bot"}]}
    sky.owner.call(
        "com.atproto.repo.putRecord",
        repo=sky.owner.did,
        collection="app.bsky.actor.profile",
        rkey="self",
        record={"$type": "app.bsky.actor.profile", "labels": labels},
    )
    wait_until(lambda: "is labelled as automated" in sky.connector.check(), "the label")


def test_a_direct_message_is_refused_without_the_right(sky: Sky, ada: Person) -> None:
    with pytest.raises(ChannelError, match="does not allow direct messages") as caught:
        sky.connector.send(OutgoingMessage("m1", ada.did, "", "May we?"))
    assert caught.value.permanent
