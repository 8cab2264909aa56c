"""The insurance centre of the simulated region: the national 两定 interface over HTTP, with its memory and its moods."""
