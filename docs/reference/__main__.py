"""Write the generated parts of the documentation: `python -m docs.reference`."""

from docs.reference.pages import pages

if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
