"""What the desk's pages read. Every query is bounded: by agents on a page, an hour, a day, or a number of rows."""
