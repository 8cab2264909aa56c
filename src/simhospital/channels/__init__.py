"""Payment channels: their books and the bills that they send, in the forms in which they really send them."""
