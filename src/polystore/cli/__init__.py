"""The command line: parses, calls the library, prints. Needs the extra `cli`.

Exit codes, unless a command says otherwise: 0 done, 1 an error (message on stderr), 2 wrong usage,
130 interrupted.
"""
