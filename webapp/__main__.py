"""`python -m webapp …` is `mailrun …`: how the supervisor calls the parts, whatever is on the PATH."""

from webapp.cli import main

if __name__ == "__main__":
    main(prog_name="mailrun")
