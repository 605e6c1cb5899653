"""What times of requests are called, wherever one is told."""

from app.translation import later

TTFT = "TTFT"
TTFT_MEANING = later("Time to first token: from the request's arrival until the answer's first piece.")
