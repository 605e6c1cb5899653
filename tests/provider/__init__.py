"""An independent provider for tests: a process of its own that shares no code with the gateway.

It speaks the native formats of OpenAI, xAI, Anthropic and Gemini, is strict about what it is sent, draws random token
counts for each call and writes them to its own ledger, so that the gateway's rows can be checked against a witness.
`client.ProviderProcess` starts it. Markers in the last user message choose what a call does; they are listed in
`behaviour.py`.
"""
