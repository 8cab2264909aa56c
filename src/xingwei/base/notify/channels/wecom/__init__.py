"""WeCom: robots of groups, the hospital's own application, and its callback."""
