"""The verbs of `python -m interactrank`: each module has add_arguments(parser) and run(args)."""
