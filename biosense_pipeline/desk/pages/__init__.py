"""The desk's pages: each module holds the handlers of one page and their ``routes``."""
