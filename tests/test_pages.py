import re
import unicodedata
from html import unescape
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.explanation import Contribution
from stance.pages import render_article, render_fragment
from stance.predictor import Prediction

CALAIS = (
    "Border checks stay\n\n"
    'He said: "If they won\'t talk, the agreement is over," before he left, "and soon."\n\n'
    "A spokesman said that the deal works well & remains in force.\n"
)
HOSTILE = (
    "</article></style><script>document.title = 'hacked'</script>\n\n"
    "<img src=x onerror=alert(1)> said: “Scrap it &lt;now&gt; \u202egnol oot\x00\ud800\x1b[31m ]]>--> \"'”\r\n\r\n"
    "<a href='javascript:alert(1)'>More</a>\x0c{braces} {0}"
)


def predict(stance=None, reason=None, support=0.1, oppose=0.1):
    p = {"support": support, "oppose": oppose, "neutral": 1 - support - oppose}
    return Prediction("", "le-touquet", stance, p, support - oppose, stance is None, reason)


def find(text, part, start=0):
    at = text.index(part, start)
    return SimpleNamespace(start=at, end=at + len(part), text=part)


def read(text, part, prediction, *, speaker=None, pieces=(), words=(), context=None, form="direct", candidates=()):
    """A statement: what `read_article` says of this part of the text."""
    span = find(text, part)
    pieces = tuple(find(text, piece, span.start) for piece in pieces) or (span,)
    statement = " ".join(piece.text.strip('"') for piece in pieces)
    quote = SimpleNamespace(
        **vars(span), form=form, statement=statement, pieces=pieces, speaker=speaker, candidates=candidates
    )
    spans = [(find(text, word, span.start), weight) for word, weight in words]
    evidence = tuple(Contribution(word.start, word.end, word.text, weight) for word, weight in spans)
    return SimpleNamespace(quote=quote, prediction=prediction, context=context, evidence=evidence)


def make_article(text, statements, **settings):
    tallies = {}
    for statement in statements:
        tally = tallies.setdefault(
            statement.quote.speaker,
            SimpleNamespace(name=statement.quote.speaker, support=0, oppose=0, neutral=0, abstained=0),
        )
        kind = statement.prediction.stance or "abstained"
        setattr(tally, kind, getattr(tally, kind) + 1)
    defaults = {"title": "Border checks stay", "target": "le-touquet", "target_name": "Le Touquet", "lang": "en"}
    speakers = list(tallies.values())
    return SimpleNamespace(text=text, statements=tuple(statements), speakers=speakers, **{**defaults, **settings})


def make_calais():
    """Two statements: one that opposes and is interrupted, one that is left open."""
    said = '"If they won\'t talk, the agreement is over," before he left, "and soon."'
    opposes = read(
        CALAIS,
        said,
        predict("oppose", support=0.1, oppose=0.74),
        speaker="Xavier Bertrand",
        pieces=('"If they won\'t talk, the agreement is over,"', '"and soon."'),
        words=[("is over", -0.31), ("over", -0.2), ("agreement", 0.05)],
    )
    unsure = read(
        CALAIS,
        "the deal works well & remains in force",
        predict(reason="uncertain", support=0.61, oppose=0.14),
        candidates=("the Home Office", "Downing Street"),
        context="He was asked about it.",
        form="indirect",
    )
    return make_article(CALAIS, [opposes, unsure])


def make_hostile():
    evil = "<script>alert('speaker')</script>\ud800"
    statement = read(
        HOSTILE,
        "Scrap it &lt;now&gt; \u202egnol oot\x00\ud800\x1b[31m",
        predict("oppose", oppose=0.8),
        speaker=evil,
        words=[("it &lt;now&gt; \u202egnol", -0.2)],
        context=evil,
        candidates=(evil,),
    )
    return make_article(HOSTILE, [statement], title="</title><script>" + evil, target_name=evil, lang='"><script>')


def make_long(n=300):
    """An article of some 5,000 words in which each paragraph is a statement, by twenty speakers."""
    line = "The agreement of the year {} has to be kept, she said, since no one has shown a better one so far."
    text = "\n\n".join(line.format(i) for i in range(n))
    kinds = [
        predict("support", support=0.8),
        predict("oppose", oppose=0.7),
        predict("neutral"),
        predict(None, "off-topic"),
    ]
    statements = [
        read(text, f"The agreement of the year {i} has", kinds[i % 4], speaker=f"Speaker {i % 20}") for i in range(n)
    ]
    return make_article(text, statements)


class Page(HTMLParser):
    """What a document is made of; an element that is not closed where it should be is an error."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.shown = [], [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        values = dict(attrs)
        assert len(values) == len(attrs), f"an attribute of {tag} is there twice"
        assert not [name for name in values if name.startswith("on")]
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if "href" in values else []
        if tag != "meta":
            self.open.append((tag, values.get("class")))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if ("article", None) in self.open and ("a", "label") not in self.open:
            self.shown.append(data)

    @property
    def article(self):
        """The text of the article as shown, without the labels."""
        return "".join(self.shown)


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", "", html, flags=re.DOTALL))


@pytest.fixture(params=[render_article, render_fragment], ids=["page", "fragment"])
def render(request):
    return request.param


ARTICLES = {
    "no statement": lambda: make_article("Nothing was said.", []),
    "no text": lambda: make_article(" \n\n ", [], title=None),
    "two statements": make_calais,
    "hostile": make_hostile,
    "300 statements": make_long,
}


@pytest.mark.parametrize("make", ARTICLES.values(), ids=ARTICLES)
def test_document_is_well_formed_with_unique_ids_and_links_that_lead_somewhere(render, make):
    page = Page(render(make()))
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert not {"script", "img", "link", "iframe", "object"} & set(page.tags)


def test_text_of_the_article_stands_on_the_page_as_it_is(render):
    assert Page(render(make_calais())).article == CALAIS
    assert Page(render(make_long())).article == make_long().text


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("One\nand more\n \nTwo\n\n\n  Three\n", ["One\nand more", "Two", "Three"]),
        ("No line is blank\nso each is one", ["No line is blank", "so each is one"]),
        ("\r\n\r\nOne\r\n\r\nTwo", ["One ", "Two"]),
        (" \n", []),
    ],
)
def test_paragraphs_are_those_of_the_article(text, paragraphs):
    html = render_article(make_article(text, []))
    article = html[html.index("<article") : html.index("</article>")]
    assert re.findall(r"<p>(.*?)</p>", article, re.DOTALL) == paragraphs


def test_markup_in_article_title_and_names_is_shown_as_text(render):
    html = render(make_hostile())
    assert Page(html).article == (
        "</article></style><script>document.title = 'hacked'</script>\n\n"
        "<img src=x onerror=alert(1)> said: “Scrap it &lt;now&gt; �gnol oot���[31m ]]>--> \"'” \n \n"
        "<a href='javascript:alert(1)'>More</a>\n{braces} {0}"
    )
    assert "<script" not in html
    html.encode("utf-8")


def test_browser_is_told_to_fetch_and_run_nothing():
    html = render_article(make_calais())
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    assert html.index(policy) < html.index("<style>")
    assert not re.search(r"https?://|url\(|@import", html)


@pytest.mark.parametrize("n", [0, 1, 2, 300])
def test_every_statement_has_a_label_a_row_and_links_between_them(render, n):
    html = render(make_long(n))
    page = Page(html)
    assert html.count('class="label" href=') == n
    labels = re.findall(r'class="label" href="#([\w-]*statement-\d+)"', html)
    backs = re.findall(r'role="rowheader"><a href="#([\w-]*quote-\d+)"', html)
    assert len(set(labels)) == len(set(backs)) == n
    assert set(labels) | set(backs) <= set(page.ids)


def test_summary_counts_statements_speakers_and_stances():
    assert "2 statements by 1 speaker and unknown ones: 1 opposes, 1 left open" in text_of(
        render_article(make_calais())
    )
    assert "300 statements by 20 speakers: 75 support, 75 oppose, 75 neutral, 75 left open" in text_of(
        render_article(make_long())
    )
    assert "No statements found." in render_article(make_long(0))
    unknown = make_article("It ends.", [read("It ends.", "It ends", predict("support", support=0.9))])
    assert "1 statement by unknown speakers: 1 supports" in text_of(render_article(unknown))


@pytest.mark.parametrize(
    ("prediction", "label"),
    [
        (predict("support", support=0.83), "supports 0.83"),
        (predict("oppose", oppose=0.71), "opposes 0.71"),
        (predict("neutral"), "neutral 0.80"),
        (predict(reason="uncertain", support=0.1, oppose=0.63), "cannot tell: uncertain, leans to oppose 0.63"),
        (predict(reason="uncertain", support=0.4, oppose=0.3), "cannot tell: uncertain"),
        (predict(reason="uncertain", support=0.05, oppose=0.45), "cannot tell: uncertain"),  # likeliest is neutral
        (predict(reason="off-topic", oppose=0.8), "cannot tell: off-topic"),
        (predict(reason="language", oppose=0.8), "cannot tell: not in English or French"),
    ],
)
def test_label_says_stance_and_probability_or_why_there_is_none(prediction, label):
    html = render_article(make_article("It ends.", [read("It ends.", "It ends", prediction)]))
    assert html.count(f'<span class="verdict">{label}</span>') == 2


def test_what_was_said_is_marked_and_the_interruption_is_not():
    html = unescape(render_article(make_calais()))
    assert '</b>,"</mark> before he left, <mark>"and soon."</mark>' in html
    assert html.count("<mark>") == 3 + 4  # four of them in the legend


def test_overlapping_evidence_is_emphasised_once_by_the_stronger():
    html = render_article(make_calais())
    assert '<b class="against">is over</b>,' in html
    assert html.count('<b class="against">over</b>') == 1  # in the table
    assert '<b class="for">agreement</b> <b' in html


def test_statement_over_two_paragraphs_has_one_label():
    text = "“We stay.\n\n“We keep it,” she said."
    html = render_article(make_article(text, [read(text, "“We stay.\n\n“We keep it,”", predict("support"))]))
    assert Page(html).article == text
    assert html.count('id="quote-1"') == html.count('class="label" href=') == 1
    assert html.count('<span class="statement support"') == 2 + 1  # one of them in the legend


def test_row_says_who_what_how_and_why():
    rows = re.findall(r'<tr role="row" class=.*?</tr>', render_article(make_calais()), flags=re.DOTALL)
    first, second = map(text_of, rows)
    for part in ("Xavier Bertrand", "direct", "opposes 0.74", "support 0.10", "score −0.64", "is over −0.31"):
        assert part in first
    for part in (
        "unknown (may be: the Home Office, Downing Street)",
        "indirect",
        "before: He was asked about it.",
        "none",
    ):
        assert part in second


def test_speakers_are_tallied_and_the_unknown_named_so():
    html = render_article(make_calais())
    section = html[html.index('<section class="speakers"') : html.index('<section class="text"')]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in section.splitlines() if row.startswith("<tr")]
    assert rows == [["Xavier Bertrand", "0", "1", "0", "0"], ["unknown", "0", "0", "0", "1"]]


def test_language_of_the_article_is_said_where_it_stands():
    french = make_article("Rien.", [], lang="fr")
    assert '<html lang="en">' in render_article(french)
    assert '<article lang="fr">' in render_article(french)
    assert "<article>" in render_article(make_hostile())


def test_same_article_gives_the_same_document(render):
    assert render(make_calais()) == render(make_calais())


def test_two_fragments_in_a_notebook_share_no_id():
    assert not set(Page(render_fragment(make_calais())).ids) & set(Page(render_fragment(make_long())).ids)


def test_style_of_a_fragment_stays_within_it():
    style = re.search("<style>(.*?)</style>", render_fragment(make_calais()), re.DOTALL)[1]
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    selectors = [part.strip() for part in re.findall(r"(?:^|[{};])([^{};]+)\{", style)]
    rules = [part for part in selectors if not part.startswith("@")]
    assert len(rules) > 30
    assert all(re.match(r"(main|div)?\.stance-article\b", rule) for rule in rules)
    assert all(part.startswith(("@media", "@container")) for part in selectors if part.startswith("@"))


def visible(character):
    if character in "\r\x0b\x0c":
        return "\n"
    unseen = unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n"
    return "�" if unseen or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" else character


characters = st.one_of(st.sampled_from(" \n\t\r<>&\"'éa"), st.characters(exclude_categories=()))


@given(st.text(characters, max_size=60).filter(lambda text: "\r\n" not in text), st.data())
def test_any_text_is_shown_whole_whatever_is_marked_in_it(text, data):
    places = st.integers(0, len(text))
    cuts = sorted(data.draw(st.sets(places, max_size=6)))
    statements = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        spans = data.draw(st.lists(st.tuples(places, places).map(sorted), max_size=4))
        pieces = tuple(SimpleNamespace(start=a, end=b) for a, b in spans)
        evidence = tuple(Contribution(a, b, text[a:b], 0.1 * (-1) ** a) for a, b in spans)
        quote = SimpleNamespace(
            start=start, end=end, text=text[start:end], form="direct", statement=text, pieces=pieces, speaker=text,
            candidates=(),
        )  # fmt: skip
        prediction = predict("support", support=0.5)
        statements.append(SimpleNamespace(quote=quote, prediction=prediction, context=text, evidence=evidence))
    html = render_article(make_article(text, statements, title=text))
    html.encode("utf-8")
    assert Page(html).article == "".join(map(visible, text))
