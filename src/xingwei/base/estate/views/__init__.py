"""The estate's pages: systems and parts, the dependency picture, the parameter dictionary, editing, Excel."""
