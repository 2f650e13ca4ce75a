"""How `extract_quotes` reads an article: layout, marks, words, cues and speakers; the rules are in en.toml, fr.toml."""
