"""What tests of all rooms share. Not imported by the product."""
