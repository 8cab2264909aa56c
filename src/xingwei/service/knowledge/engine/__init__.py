"""The thinking of the knowledge room: Markdown made safe, differences, ranking, files with front matter. Pure."""
