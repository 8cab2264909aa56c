"""Payment channels: their books and the bills that they send, in the forms in which they really send them."""

CHANNELS = {"01": "wx", "02": "zfb", "03": "unionpay", "07": "yb"}  # the hospital's code of a way to pay → channel
