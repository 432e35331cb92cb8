"""`python -m airouter` and the `airouter` command."""

from airouter.cli import app


def main() -> None:
    """Run the command line."""
    app(prog_name="airouter")


if __name__ == "__main__":
    main()
