"""The page of an article in a real browser: by ear, by keyboard, on a telephone, in the dark and on paper."""

import pytest
from test_pages import make_article, make_calais, make_hostile, make_long, predict, read

from stance.pages import render_article, render_fragment

NARROW, WIDE = 400, 1280

# What JupyterLab's dark theme says of tables, links and text in the output of a cell.
NOTEBOOK = """<!DOCTYPE html><html lang="en"><title>notebook</title><style>
body {{ background: #111; color: #fff; }}
.jp h2 {{ font-size: 3em; }}
.jp table {{ border: none; font-size: 12px; table-layout: fixed; margin-left: auto; }}
.jp td, .jp th, .jp tr {{ text-align: right; vertical-align: middle; white-space: normal; max-width: none; }}
.jp tbody tr:nth-child(odd) {{ background: #222; }}
.jp tbody tr:hover {{ background: #333; }}
.jp a {{ color: #0af; }}
.jp mark {{ color: #111; }}
</style><main><h1>Notebook</h1><p id="before">before</p><div class="jp">{}</div>
<table><tr><td id="other">1</td></tr></table></main>"""


def make_every_kind():
    """An article with each stance, weak and strong, each reason, and evidence for both sides in each."""
    predictions = [predict("support", support=0.95), predict("support", support=0.5, oppose=0.2)]
    predictions += [predict("oppose", oppose=0.95), predict("oppose", support=0.2, oppose=0.5), predict("neutral")]
    predictions += [predict(reason="uncertain", oppose=0.63), predict(reason="off-topic"), predict(reason="language")]
    text = "\n\n".join(f"She said the good agreement {i} is a bad one." for i in range(len(predictions)))
    statements = [
        read(
            text,
            f"the good agreement {i} is a bad one",
            prediction,
            speaker=None if i % 3 else "Marie-Antoinette de Villeneuve-Sainte-Croix",
            candidates=("A", "B"),
            words=[("good", 0.2), ("bad", -0.3)] if i else [],
            context="The minister was asked about it.",
        )
        for i, prediction in enumerate(predictions)
    ]
    return make_article(text, statements)


ARTICLES = {
    "none": lambda: make_article("Nothing was said.", []),
    "calais": make_calais,
    "every kind": make_every_kind,
    "hostile": make_hostile,
    "word": lambda: make_article("x" * 3000, [], title="y" * 300, target_name="z" * 300),
}


def list_violations(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(v["id"], node["target"], node["failureSummary"]) for v in found for node in v["nodes"]]


def is_wider_than_the_window(page):
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("name", ["none", "every kind", "hostile"])
def test_page_is_accessible(open_page, name, width, scheme):
    opened = open_page(render_article(ARTICLES[name]()), width=width, scheme=scheme)
    assert list_violations(opened.page) == []


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_row_is_accessible_where_a_label_led_to_it(open_page, width):
    page = open_page(render_article(make_every_kind()), width=width).page
    page.click("a.label >> nth=2")
    assert page.evaluate("document.querySelector(':target').id") == "statement-3"
    assert list_violations(page) == []


@pytest.mark.parametrize("width", [320, NARROW, 700, 900, WIDE])
@pytest.mark.parametrize("name", ARTICLES)
def test_nothing_is_wider_than_the_window(open_page, name, width):
    assert not is_wider_than_the_window(open_page(render_article(ARTICLES[name]()), width=width).page)


@pytest.mark.parametrize("width", [320, NARROW, 700, 1000, 1100, WIDE])
@pytest.mark.parametrize("render", [render_article, render_fragment])
def test_names_and_statements_have_room(open_page, render, width):
    page = open_page(render(make_every_kind()), width=width).page
    cells = page.locator(".speakers tbody th, .statements tbody td:nth-child(3)")
    assert min(cells.evaluate_all("cells => cells.map(cell => cell.clientWidth)")) > 100
    cut = "cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.innerText)"
    assert page.locator(".speakers thead th, .statements tbody :is(td, th)").evaluate_all(cut) == []


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_tab_reaches_every_statement_and_its_focus_shows(open_page, width):
    page = open_page(render_article(make_every_kind()), width=width).page
    script = (
        "e => [e.getAttribute('href'), getComputedStyle(e).outlineStyle, parseFloat(getComputedStyle(e).outlineWidth)]"
    )
    stops = []
    for _ in range(17):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(f"({script})(document.activeElement)"))
    places = [stop[0] for stop in stops]
    assert places == ["#text", *(f"#statement-{i}" for i in range(1, 9)), *(f"#quote-{i}" for i in range(1, 9))]
    assert all(style != "none" and thickness >= 1 for _, style, thickness in stops)


def test_skip_link_shows_with_the_focus_and_leads_to_the_article(open_page):
    page = open_page(render_article(make_calais())).page
    page.keyboard.press("Tab")
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#statement-1"


def test_label_leads_to_the_row_and_the_row_back(open_page):
    page = open_page(render_article(make_long())).page
    page.locator("#quote-200 a").press("Enter")
    assert page.locator("#statement-200").evaluate("e => e.getBoundingClientRect().top") < 900
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#quote-200")
    assert 0 < page.locator("#quote-200").evaluate("e => e.getBoundingClientRect().top") < 900


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_statements_are_a_table_to_a_screen_reader_as_cards_too(open_page, width):
    page = open_page(render_article(make_calais()), width=width).page
    for name, rows, columns in (("speakers", 3, 5), ("statements", 3, 7)):
        table = page.locator(f".{name}").get_by_role("table")
        assert table.get_by_role("row").count() == rows
        assert table.get_by_role("columnheader").count() == columns
        assert table.get_by_role("cell").count() == (rows - 1) * (columns - 1)
    page.get_by_role("link", name="Statement 1 by Xavier Bertrand: opposes 0.74", exact=True).click()


def test_stances_differ_by_line_and_sign_as_well_as_by_colour(open_page):
    page = open_page(render_article(make_every_kind())).page
    kinds = ["support", "oppose", "neutral", "open"]
    line = "e => getComputedStyle(e).textDecorationStyle"
    sign = "e => getComputedStyle(e, '::before').content"
    assert len({page.locator(f"article .{kind} mark").first.evaluate(line) for kind in kinds}) == 4
    assert len({page.locator(f"article .{kind} .verdict").first.evaluate(sign) for kind in kinds}) == 4


def test_stronger_score_has_the_thicker_line(open_page):
    page = open_page(render_article(make_every_kind())).page
    script = "marks => marks.map(e => parseFloat(getComputedStyle(e).textDecorationThickness))"
    thickness = page.locator("article mark").evaluate_all(script)
    assert thickness[0] > thickness[1]
    assert thickness[2] > thickness[3]


def test_copied_text_is_that_of_the_article(open_page):
    page = open_page(render_article(make_calais())).page
    page.locator("article").select_text()
    copied = page.evaluate("getSelection().toString()")
    assert copied.split() == make_calais().text.split()


@pytest.mark.parametrize("name", ARTICLES)
def test_page_asks_for_nothing_runs_nothing_and_complains_of_nothing(open_page, name):
    opened = open_page(render_article(ARTICLES[name]()))
    opened.page.wait_for_timeout(50)
    assert len(opened.requests) == 1
    assert opened.complaints == []
    assert "stances on" in opened.page.title()


def test_script_that_got_in_would_not_run(open_page):
    """So that the policy is known to be one: the document is spoilt on purpose."""
    spoilt = render_article(make_calais()).replace("</main>", "<script>document.title = 'hacked'</script></main>")
    opened = open_page(spoilt)
    assert "hacked" not in opened.page.title()
    assert opened.complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_prints_on_white_paper(open_page, scheme):
    page = open_page(render_article(make_every_kind()), scheme=scheme).page
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.locator("main").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    page.set_viewport_size({"width": 673, "height": 900})  # A4 less its margins
    assert not is_wider_than_the_window(page)


def test_long_article_is_shown_within_two_seconds(open_page):
    page = open_page(render_article(make_long()), width=NARROW).page
    assert page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") < 2000
    assert page.locator("article .label").count() == 300


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fragment_is_readable_in_a_dark_notebook_and_changes_nothing_around_it(open_page, scheme):
    page = open_page(NOTEBOOK.format(render_fragment(make_every_kind())), scheme=scheme).page
    page.hover("tbody tr >> nth=1")
    assert [v for v in list_violations(page) if v[0] == "color-contrast"] == []
    plain = open_page(NOTEBOOK.format(""), scheme=scheme).page
    script = """ids => ids.map(id => getComputedStyle(document.getElementById(id))).map(style =>
        ['color', 'background', 'font', 'padding', 'margin', 'text-align', 'border'].map(name => style[name]))"""
    others = ["before", "other"]
    assert page.evaluate(script, others) == plain.evaluate(script, others)
    assert not is_wider_than_the_window(page)
