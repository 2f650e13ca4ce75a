"""Whose each statement is: names, titles, offices, pronouns, joint statements, and those left open."""

import pytest

from stance.quotes import extract_quotes


def speakers(article, language):
    return [quote.speaker for quote in extract_quotes(article, language=language)]


def fails(language, article, *expected, why):
    return pytest.param(language, article, list(expected), marks=pytest.mark.xfail(strict=True, reason=why))


NAMES = [
    # a later, shorter form
    ("en", "Anna Reid, the mayor of Dover, opened the talks. Reid said the deal was dead.", ["Anna Reid"]),
    ("en", "“It is over,” said Anna Reid. “We knew,” Reid added.", ["Anna Reid", "Anna Reid"]),
    ("en", "Ursula von der Molen opened the talks. Von der Molen said it was over.", ["Ursula von der Molen"]),
    ("fr", "Xavier de La Tour a ouvert la séance. M. de La Tour a dit que c'était fini.", ["Xavier de La Tour"]),
    # the full name comes later
    ("en", "The talks went on. Reid said the deal was dead. Anna Reid is the mayor of Dover.", ["Anna Reid"]),
    ("en", "Mr Reid said the deal was dead. Tom Reid was elected in May.", ["Tom Reid"]),
    # titles
    ("en", "Anna Reid, the mayor of Dover, opened the talks. Ms Reid said it was over.", ["Anna Reid"]),
    ("en", "Mayor Anna Reid opened the talks. Mayor Reid said it was over.", ["Anna Reid"]),
    ("en", "Dr Anna Reid, a surgeon, said the deal was dead. “It is over,” Dr. Reid said.", ["Anna Reid"] * 2),
    ("fr", "Le maire de Calais, Jean Morel, a ouvert la séance. M. Morel a dit que c'était fini.", ["Jean Morel"]),
    ("fr", "La ministre Claire Roy a ouvert la séance. Mme Roy a dit que c'était fini.", ["Claire Roy"]),
    # two of one last name
    (
        "en",
        "Anna Reid met her brother Tom Reid. Ms Reid said it was dead. Mr Reid said it was alive.",
        ["Anna Reid", "Tom Reid"],
    ),
    (
        "fr",
        "Paul Morel a vu sa sœur Claire Morel. M. Morel a dit qu'il partait. Mme Morel a dit qu'elle restait.",
        ["Paul Morel", "Claire Morel"],
    ),
    # a name beside another
    ("en", "Anna Reid's lawyer, Tom Hale, said the deal was dead.", ["Tom Hale"]),
    ("en", "Anna Reid opened the talks. Tom Hale, her deputy, left. Hale said it was dead.", ["Tom Hale"]),
    ("en", "“It is over,” said Anna Reid, the mayor of Dover. “We knew.”", ["Anna Reid", "Anna Reid"]),
    # one who is only spoken of
    ("en", "Tom Hale said: “I warned Reid. Anna Reid said it was over.”", ["Tom Hale"]),
    ("en", "Tom Hale said Anna Reid had told him the deal was dead.", ["Tom Hale"]),
]


@pytest.mark.parametrize(("language", "article", "expected"), NAMES)
def test_names_become_the_fullest_one(language, article, expected):
    assert speakers(article, language) == expected


OFFICES = [
    ("en", "The mayor of Dover, Anna Reid, opened the talks. The mayor said it was over.", ["Anna Reid"]),
    ("en", "Anna Reid, the mayor of Dover, opened the talks. The mayor said it was over.", ["Anna Reid"]),
    ("en", "Mayor Anna Reid opened the talks. The mayor said it was over.", ["Anna Reid"]),
    ("en", "Prime Minister Anna Reid opened the talks. The prime minister said it was over.", ["Anna Reid"]),
    ("en", "Dr Anna Reid, a surgeon, said it was dead. “It is over,” the surgeon said.", ["Anna Reid"] * 2),
    ("en", "“It is over,” said the mayor of Dover, Anna Reid.", ["Anna Reid"]),
    ("fr", "Jean Morel, maire de Calais, a ouvert la séance. Le maire a dit que c'était fini.", ["Jean Morel"]),
    ("fr", "Le maire de Calais, Jean Morel, est venu. « Nous restons », a dit le maire.", ["Jean Morel"]),
    ("fr", "« C'est fini », a dit la maire de Calais, Claire Roy. « Nous le savions. »", ["Claire Roy"] * 2),
    # nobody is known to hold it
    ("en", "Tom Hale, a baker, left. The mayor said it was over.", ["The mayor"]),
    fails(
        "en",
        "The French president, Paul Durand, met the Belgian president, Jan Maes. The Belgian president said no deal "
        "was near.",
        "Jan Maes",
        why="of two that hold an office of that name none is taken",
    ),
]


@pytest.mark.parametrize(("language", "article", "expected"), OFFICES)
def test_office_becomes_its_holder(language, article, expected):
    assert speakers(article, language) == expected


PRONOUNS = [
    ("en", "Anna Reid spoke on Monday. She said the deal was dead.", ["Anna Reid"]),
    ("en", "Tom Hale spoke on Monday. He said the deal was dead.", ["Tom Hale"]),
    ("fr", "Claire Roy a parlé lundi. Elle a dit que c'était fini.", ["Claire Roy"]),
    ("fr", "Paul Morel a parlé lundi. Il a dit que c'était fini.", ["Paul Morel"]),
    ("fr", "Claire Roy a parlé lundi. « C'est fini », a-t-elle dit.", ["Claire Roy"]),
    ("fr", "Paul Morel a parlé lundi. « C'est fini », estime-t-il.", ["Paul Morel"]),
    # another comes up
    ("en", "Tom Hale opened the talks. Anna Reid came late. She said it was over.", ["Anna Reid"]),
    ("en", "Tom Hale opened the talks. Anna Reid came late. He said it was over.", ["Tom Hale"]),
    ("fr", "Paul Morel a ouvert la séance. Claire Roy est venue. Elle a dit que c'était fini.", ["Claire Roy"]),
    ("fr", "Paul Morel a ouvert la séance. Claire Roy est venue. Il a dit que c'était fini.", ["Paul Morel"]),
    (
        "en",
        "“It is over,” said Tom Hale. “It is not,” replied Anna Reid. He added that nobody would mourn it.",
        ["Tom Hale", "Anna Reid", "Tom Hale"],
    ),
    (
        "fr",
        "« Nous restons », a dit Claire Roy. « Nous partons », a répondu Paul Morel. Elle a ajouté que c'était fini.",
        ["Claire Roy", "Paul Morel", "Claire Roy"],
    ),
    (
        "fr",
        "« Nous restons », a dit Claire Roy. « Nous partons », a répondu Jean Morel. Elle a ajouté que c'était fini.",
        ["Claire Roy", "Jean Morel", "Claire Roy"],
    ),
    # no persons
    ("en", "The Home Office published figures. It said the deal was dead.", ["The Home Office"]),
    ("en", "The company left the talks. It said the deal was dead.", ["The company"]),
    ("en", "Two officials left the talks. They said the deal was dead.", ["Two officials"]),
    # nobody there
    ("en", "She said the deal was dead.", [None]),
    ("en", "“It is over,” she said.", [None]),
]


@pytest.mark.parametrize(("language", "article", "expected"), PRONOUNS)
def test_pronoun_becomes_whom_it_stands_for(language, article, expected):
    assert speakers(article, language) == expected


TOGETHER = [
    ("en", "Anna Reid and Tom Hale said the deal was dead.", ["Anna Reid + Tom Hale"]),
    ("en", "“It is over,” Anna Reid and Tom Hale said in a joint statement.", ["Anna Reid + Tom Hale"]),
    ("fr", "Paul Morel et Claire Roy ont affirmé que l'accord était mort.", ["Paul Morel + Claire Roy"]),
    ("en", "Anna Reid and Tom Hale met in Dover. The pair said the deal was dead.", ["Anna Reid + Tom Hale"]),
]


@pytest.mark.parametrize(("language", "article", "expected"), TOGETHER)
def test_joint_statement_has_all_names(language, article, expected):
    assert speakers(article, language) == expected


ORGANISATIONS = [
    ("en", "Downing Street said it was dead. Number 10 added that nobody cared.", ["Downing Street"] * 2),
    ("en", "Downing Street said it was dead. No. 10 added that nobody cared.", ["Downing Street"] * 2),
    ("fr", "L'Élysée a dit que non. La présidence de la République a ajouté que c'était fini.", ["L'Élysée"] * 2),
    ("en", "The Home Office said it was dead. “It is over,” the Home Office added.", ["The Home Office"] * 2),
    ("en", "Number 10 said it was dead. Downing Street added that nobody cared.", ["Number 10", "Number 10"]),
]


@pytest.mark.parametrize(("language", "article", "expected"), ORGANISATIONS)
def test_organisation_of_two_names_is_one(language, article, expected):
    assert speakers(article, language) == expected


UNNAMED = [
    ("en", "The deal is dead, according to a Home Office source.", ["a Home Office source"]),
    ("en", "A source close to the minister said it was over.", ["A source close to the minister"]),
    ("en", "An official, speaking on condition of anonymity, said it was over.", ["An official"]),
    ("en", "Two officials said the deal was dead.", ["Two officials"]),
    ("en", "His critics say the deal is dead.", ["His critics"]),
    ("fr", "Selon une source proche du dossier, c'est fini.", ["une source proche du dossier"]),
    ("fr", "Un diplomate européen affirme que c'est fini.", ["Un diplomate européen"]),
    ("fr", "De source policière, l'homme est mort.", ["source policière"]),
    ("en", "A source close to the talks said it was over.", ["A source close to the talks"]),
    ("en", "A spokesman for Anna Reid said it was over.", ["A spokesman for Anna Reid"]),
    ("fr", "Un porte-parole de Claire Roy a dit que c'était fini.", ["Un porte-parole de Claire Roy"]),
]


@pytest.mark.parametrize(("language", "article", "expected"), UNNAMED)
def test_source_without_a_name_is_what_it_is_called(language, article, expected):
    assert speakers(article, language) == expected


ALONE = [
    # right after one who spoke
    ("“It is over,” Anna Reid said.\n\n“Nobody will mourn it.”\n\nThe talks end in May.", ["Anna Reid"] * 2),
    ("“It is over,” said Anna Reid. “We knew.”", ["Anna Reid"] * 2),
    ("Anna Reid said:\n\n“Nobody will mourn it.”", ["Anna Reid"]),
    # the words before say whose it is
    ("Anna Reid was blunt: “We will not sign it.”", ["Anna Reid"]),
    # nobody spoke before
    ("Anna Reid opened the talks in Dover.\n\n“Nobody will mourn it, and nobody should.”", [None]),
    ("“We will not sign.”", [None]),
]


@pytest.mark.parametrize(("article", "expected"), ALONE)
def test_quotation_alone_is_of_whom_was_heard_just_before(article, expected):
    assert speakers(article, "en") == expected


CANDIDATES = [
    (
        "In the hall were Clare Hale, a nurse, and Anna Reid, a doctor. The sun shone. She said the deal was dead.",
        ("Clare Hale", "Anna Reid"),
    ),
    (
        "“It is over,” Anna Reid said.\n\nThe talks went on in Dover until Monday.\n\n“Nobody will mourn it.”",
        ("Anna Reid",),
    ),
    (
        "The treaty came up between the Home Office and the bank as “a danger to every one of us”.",
        ("The treaty", "the Home Office and the bank"),
    ),
]


@pytest.mark.parametrize(("article", "expected"), CANDIDATES)
def test_where_it_is_not_clear_nobody_is_chosen_but_candidates_are_given(article, expected):
    quote = extract_quotes(article, language="en")[-1]
    assert quote.speaker is None
    assert quote.candidates == expected


TRANSCRIPTS = [
    (
        "MR STALLARD: It is over.\n\nANNA REID: It is not.\n\nMR STALLARD: We shall see.",
        ["MR STALLARD", "ANNA REID", "MR STALLARD"],
        ["STALLARD", "ANNA REID", "STALLARD"],
    ),
    ("M. MOREL : C'est fini.\n\nMME ROY : Pas encore.", ["M. MOREL", "MME ROY"], ["MOREL", "ROY"]),
    ("Q: Why did you go?\n\nA: I was asked to.", [None], [None]),
]


@pytest.mark.parametrize(("article", "mentions", "expected"), TRANSCRIPTS)
def test_transcript_names_its_speakers(article, mentions, expected):
    quotes = extract_quotes(article)
    assert [quote.mention and quote.mention.text for quote in quotes] == mentions
    assert [quote.speaker for quote in quotes] == expected


def test_mention_is_how_the_speaker_is_named_there():
    article = "Anna Reid, the mayor of Dover, came. “It is over,” she said. Ms Reid said it was dead, adding: “Yes.”"
    assert [quote.mention and quote.mention.text for quote in extract_quotes(article)] == ["she", "Ms Reid", None]
    assert set(speakers(article, "en")) == {"Anna Reid"}


@pytest.mark.parametrize(
    ("language", "article", "expected"),
    [
        (
            "en",
            "Theresa May opened the talks. “It is over,” Theresa May said. Mrs May said it was dead.",
            ["Theresa May"] * 2,
        ),
        ("fr", "Marine Le Pen a réclamé la fin du traité. Elle a jugé qu'il était mort.", ["Marine Le Pen"] * 2),
        ("en", "Sir Alan Hale said it was dead. “It is over,” Sir Alan said.", ["Alan Hale"] * 2),
    ],
)
def test_names_that_are_other_words_too(language, article, expected):
    assert speakers(article, language) == expected


def test_of_two_who_fit_none_is_chosen():
    for article in (
        "Sarah Jones met Emma Clarke on Monday. She said the deal was dead.",
        "Sarah Jones is cautious. Mark Jones is not. “It is dead,” Jones said.",
    ):
        (quote,) = extract_quotes(article, language="en")
        assert quote.speaker is None
        assert "Sarah Jones" in quote.candidates
        assert len(quote.candidates) == 2
