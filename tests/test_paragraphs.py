"""Articles are cut into paragraphs, and lines that no one says are told apart from text."""

from __future__ import annotations

import re
import time
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.quoting.paragraphs import LineRule, load_line_rules, split_paragraphs

_RULES = load_line_rules()
_SAYS = "The harbour board will meet again in May, Anna Reid said on Monday.\n\n"


def _kinds(article: str) -> list[str]:
    return [paragraph.kind for paragraph in split_paragraphs(article)]


def _texts(article: str) -> list[str]:
    return [article[p.start : p.end] for p in split_paragraphs(article)]


def _kind_within(line: str) -> str:
    """Kind of a line that follows a paragraph of text."""
    (kind,) = _kinds(_SAYS + line)[1:]
    return kind


def _finds(rule: LineRule, line: str) -> bool:
    line = line.replace("'", "’")
    line = line if rule.as_typed else line.lower()
    if rule.at == "end":
        return re.search(rf"(?:{rule.pattern})[\s).\]]*\Z", line) is not None
    return re.match(rule.pattern, line) is not None


@pytest.mark.parametrize(
    ("rule", "line"), [pytest.param(rule, line, id=f"{rule.name}: {line}") for rule in _RULES for line in rule.matches]
)
def test_rule_finds_its_matches(rule: LineRule, line: str) -> None:
    assert _finds(rule, line)
    assert _kind_within(line) == rule.kind


@pytest.mark.parametrize(
    ("rule", "line"), [pytest.param(rule, line, id=f"{rule.name}: {line}") for rule in _RULES for line in rule.others]
)
def test_rule_passes_over_what_looks_alike(rule: LineRule, line: str) -> None:
    assert not _finds(rule, line)
    assert _kind_within(line) == ("text" if line[-1] in ".!?»”)" else "headline")


@pytest.mark.parametrize("rule", _RULES, ids=lambda rule: rule.name)
def test_rule_is_documented(rule: LineRule) -> None:
    assert rule.what.endswith(".")
    assert rule.kind in ("boilerplate", "caption")
    assert rule.at in ("start", "end")
    assert len(rule.matches) >= 2
    assert len(rule.others) >= 2
    plain = re.sub(r"\\.", "", rule.pattern)
    assert rule.as_typed or plain == plain.lower()


def test_patterns_have_no_straight_apostrophe_and_no_group_that_is_kept() -> None:
    for rule in _RULES:
        assert "'" not in rule.pattern
        assert re.compile(rule.pattern).groups == 0


def test_file_of_lines_is_no_wider_than_the_code() -> None:
    text = (files("stance") / "quoting" / "lines.toml").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if len(line) > 120] == []


# Ordinary sentences that begin like lines that no one says
_SENTENCES = """
    More than forty boats left the harbour.
    More on that, Reid said, would follow in May.
    Read it again and you will see that he lied.
    Read more than the first page, Anna Reid told the board.
    Share and share alike was never his way.
    Share prices in the port fell.
    Watch what they do, the old miller said.
    Watch this harbour, said Orr.
    Comments like these have no place here.
    Comments are free.
    By Monday all of it was gone.
    By then Anna Reid had left Dover.
    By and large the board agrees, Tom Orr said.
    By May, Reid and Orr had met twice.
    From Dover to Calais nobody moved.
    From then on Anna Reid was silent.
    Par ailleurs, Anne Roy a démenti.
    Par deux fois, Luc Morel a dit non.
    Par Anne Roy, on sait que le quai sera vendu.
    Lire ce texte prend une heure, a dit Anne Roy.
    Voir le quai vendu serait une honte, dit-elle.
    Follow her, he said, and you are lost.
    Subscribers are leaving, the publisher said.
    Updated figures are due in May.
    Published in May, the report was soon forgotten.
    Publié en mai, le rapport est resté lettre morte.
    Photo in hand, he went to the police.
    Photos of the quay were shown to the jury.
    Video games are to blame, he said.
    Image is all, said Reid.
    Credit for that goes to Orr.
    Copyright or not, he sang it.
    Click, and it was gone.
    Cookies are what children like, the minister joked.
    Advertising pays, said Tom Orr.
    Sign the paper, he told her.
    Log books were burnt.
    Log in, he told her.
    Back to work, he said.
    Next to him sat Anna Reid.
    Home to 300 people, the island has no doctor.
    Search as they might, they found nothing.
    Don't miss the boat, he said.
    Have your say, they told us, and then they left.
    Recommended doses vary, the doctor said.
    Trending or not, it is false.
    Tweets do not make a law, she said.
    Editor in chief Tom Orr resigned.
    Terms of use of the quay will change, said Orr.
    Related or not, the two firms share a boat.
    Join us, he told the fishermen.
    Like his father, Orr fished.
    We use what we catch, said Anna Reid.
    Cet article de la loi est mort, a dit Anne Roy.
    14 boats left at 10:30 and none came back.
    2 hours later they were home.
    3 minutes of silence were kept.
    10h de négociation n'ont rien donné, dit-il.
    He was shown the photo.
    Orr spoke to Reuters.
    She has sued Getty Images.
    “It is over,” said Anna Reid. (AFP)
    The bill, said Orr, is (c) of the act.
"""


@pytest.mark.parametrize("sentence", [line.strip() for line in _SENTENCES.strip().splitlines()])
def test_ordinary_sentence_stays_text(sentence: str) -> None:
    assert _kind_within(sentence) == "text"
    assert _kinds(sentence) == ["text"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("A subheading", "headline"),
        ("What Anna Reid wants next", "headline"),
        ("« Rien n'est joué »", "text"),
        ("“We will not sign”", "text"),
        ("– a point in a list without a full stop", "text"),
        ("• Finance minister offers to resign", "text"),
        ("She put three questions:", "text"),
        ("Who will pay?", "text"),
        ("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen", "text"),
        ("BY JANE DOE, POLITICAL EDITOR", "boilerplate"),
        ("By Jane Doe, Tom Orr and Anna Reid in Calais", "boilerplate"),
        ("Par Jeanne Dupont (avec Luc Morel, à Calais)", "boilerplate"),
        ("The quay at dawn. Photo: Jane Doe/Agency", "caption"),
        ("Le quai à l'aube. © Jeanne Dupont", "caption"),
        (":: “I gave up waiting”: passengers have their say", "boilerplate"),
        ("22:51", "boilerplate"),
        ("18h05", "boilerplate"),
        ("18h05. Le maire arrive au port.", "text"),
        ("* * *", "boilerplate"),
        ("Read more: “We will not sign,” says Reid.", "boilerplate"),
        ("Lire aussi : « Nous ne signerons pas », dit Roy.", "boilerplate"),
        ("Read  more :\u00a0the vote", "boilerplate"),
        ("READ MORE: THE VOTE", "boilerplate"),
        ("Don’t miss", "boilerplate"),
    ],
)
def test_kind_of_a_line_within_an_article(line: str, kind: str) -> None:
    assert _kind_within(line) == kind


def test_capitals_count_in_a_byline_alone() -> None:
    assert _kind_within("By Jane Doe.") == "boilerplate"
    assert _kind_within("By jane doe.") == "text"
    assert _kind_within("ADVERTISEMENT.") == "boilerplate"


@pytest.mark.parametrize(
    "headline",
    [
        "“We will not sign,” says Reid",
        "Reid: 'We will not sign'",
        "« Nous ne signerons pas », prévient Anne Roy",
        "Border deal is safe, says minister as talks go on in Dover",
    ],
)
def test_first_line_without_a_full_stop_is_the_headline(headline: str) -> None:
    assert _kinds(f"{headline}\n\n{_SAYS}") == ["headline", "text"]
    assert _kinds(f"{headline}\n{_SAYS}") == ["headline", "text"]


@pytest.mark.parametrize(
    "article",
    [
        "“We will not sign,” says Reid",
        "Anna Reid said the deal was dead",
        "\n\n  Anna Reid said the deal was dead\n",
        "Selon Anne Roy, le pont est sûr",
        "word",
    ],
)
def test_one_line_article_is_no_headline(article: str) -> None:
    assert _kinds(article) == ["text"]


def test_headline_byline_date_and_standfirst_come_before_the_text() -> None:
    article = (
        f"Deal is safe, says Reid\nMinister speaks in Dover\nBy Jane Doe\n3 May 2016\n22:51\n{_SAYS}Read more: the vote"
    )
    assert _kinds(article) == ["headline"] * 2 + ["boilerplate"] * 3 + ["text", "boilerplate"]


def test_long_line_is_text_whatever_it_begins_with() -> None:
    assert _kind_within("Read more: " + "the deal is dead, she said, " * 12) == "text"
    assert _kind_within("The quay. " * 60 + "Photo: Jane Doe") == "text"


_WRAPPED = """\
Deal is safe, says minister

The harbour board will meet again in May, Anna Reid said on Monday,
though nobody in the town believed that a meeting would help. “We
have waited for nine years, and we can wait for one more,” the mayor
of Dover told reporters.

Tom Orr disagreed: he called the plan a farce, and asked the
board to resign.
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_wrapped_lines_are_one_paragraph(ends: str) -> None:
    article = _WRAPPED.replace("\n", ends)
    assert [" ".join(text.split()) for text in _texts(article)] == [
        " ".join(part.split()) for part in _WRAPPED.split("\n\n")
    ]
    assert _kinds(article) == ["headline", "text", "text"]


def test_wrapped_lines_without_blank_ones_are_paragraphs() -> None:
    lines = _WRAPPED.replace("\n\n", "\n").splitlines()
    assert _texts("\n".join(lines)) == [lines[0], "\n".join(lines[1:5]), "\n".join(lines[5:])]


def test_wrapped_caption_and_boilerplate_are_known() -> None:
    caption = "Anna Reid, the mayor of Dover, on the quay which the board wants\nto sell in May. Photo: Jane Doe/Agency"
    link = "Read more about the harbour, its boats and those who own it in\nour paper on Saturday."
    assert _kind_within(caption) == "caption"
    assert _kind_within(link.replace(",", "")) == "boilerplate"


def test_lines_of_their_own_are_not_put_together() -> None:
    headlines = (
        "Ferry strike enters its third day as talks go on\nMinister rejects the plan of the harbour board\nNine boats"
    )
    assert len(_texts(headlines)) == 3
    sentences = (
        "The ferry strike has entered its third day in Dover.\nMinisters reject the plan of the board.\nNo one met."
    )
    assert len(_texts(sentences)) == 3
    bullets = (
        "• The ferry strike has entered its third day\n• “There is no majority for anything,” says Orr\n• Vote due"
    )
    assert len(_texts(bullets)) == 3


def test_article_without_blank_lines_has_a_paragraph_a_line() -> None:
    lines = [
        "Deal is safe, says Reid",
        "A. " * 60 + "B.",
        "“No,” said Reid.",
        "Then",
        "She left, and nobody followed her.",
    ]
    article = "\n".join(lines)
    assert _texts(article) == lines
    assert _kinds(article) == ["headline", "text", "text", "headline", "text"]


@pytest.mark.parametrize("article", ["", " ", "\n\n\n", "\u2029\u2028\x85", "\r\n\r\n", "\t \u00a0"])
def test_nothing_has_no_paragraphs(article: str) -> None:
    assert split_paragraphs(article) == []


@settings(max_examples=200, deadline=None)
@given(
    st.text(
        st.sampled_from(list("aB.,:;'\"“”«»()[]/|©@#0 \n\r\t\u00a0\u2028\x85\x00é–—•İ\ud800")) | st.characters(),
        max_size=400,
    )
    | st.lists(
        st.sampled_from(
            ["Read more", "By ", "Photo: ", "Jane Doe", ", ", "\n", " ", "Par ", "3 May", "(AFP)", "x" * 50, "said. "]
        ),
        max_size=40,
    ).map("".join)
)
def test_paragraphs_hold_all_but_white_space_in_order(article: str) -> None:
    end = 0
    for paragraph in split_paragraphs(article):
        assert article[end : paragraph.start].strip() == ""
        text = article[paragraph.start : paragraph.end]
        assert text == text.strip() != ""
        assert paragraph.kind in ("text", "headline", "caption", "boilerplate")
        end = paragraph.end
    assert article[end:].strip() == ""


def _seconds(article: str) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        split_paragraphs(article)
        best = min(best, time.perf_counter() - start)
    return best


@pytest.mark.parametrize(
    "part",
    [
        "By AAAAAAAAAAAAAAAAAAAAAA",
        "word ",
        "\n",
        "a\n",
        "By Jane Doe, Tom Orr\n",
        "A line that was wrapped by hand at some sixty characters or so\n",
        "© . photo: (photo /ap ",
        "Updated 3 May 3 May 3 May 3 May 3 May x\n",
        "((((((((((AFP AFP\n",
        " ",
        "\r\u2028",
    ],
)
def test_time_is_linear(part: str) -> None:
    short, long = (part * (size // len(part)) for size in (20_000, 80_000))
    assert _seconds(long) < 4 * 3 * _seconds(short) + 0.02


@pytest.mark.parametrize(
    "line",
    [
        "By " + "A" * 290,
        "By " + "Aa " * 90 + "!",
        "Par " + "A, " * 90 + "b",
        "Updated" + " 3" * 140 + "x",
        "Share this" + " x" * 140 + "!",
        "Photo" + " photo" * 80 + "x",
        "Image" + " " * 290 + "q",
        "© " * 240 + "=",
        ". photo: " * 50 + "=",
        "/ap images" * 40 + "=",
        "Comments" + "(" * 280,
        "#a " * 90 + "x",
        "Lire" + " aussi" * 48 + " x",
        "facebook " * 30 + "z",
        "a@" + "b." * 140 + "-",
        "(AFP" * 70,
    ],
)
def test_odd_line_takes_no_longer_than_a_plain_one(line: str) -> None:
    plain = "The harbour board will meet again in May. " * 7
    lines = 200
    assert _seconds(f"{line}\n\n" * lines) < 40 * _seconds(f"{plain}\n\n" * lines) + 0.02


def test_ordinary_paragraphs_are_read_fast() -> None:
    paragraph = "The harbour board, Reid said, will meet again in May (if at all), and “nobody” will like it. " * 3
    article = f"{paragraph[:299]}.\n\n" * 2_000
    assert _seconds(article) < 0.5  # some 0.04 on an idle machine
