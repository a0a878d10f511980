"""The main job on real input: a corpus of code or text into all four kinds of storage, and back.

`corpus` finds and reads files, `python_source`, `c_modules` and `text_source` take them apart,
`embedding` turns texts into vectors, `load` brings the stores up to date, `answer` asks them. None
of them prints; `polystore.cli.demo` does.
"""
