"""OpenTelemetry in and out: payloads of any instrumentation become the neutral model, exchanges become spans."""
