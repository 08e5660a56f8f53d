-- KEYS: workflow
-- ARGV: base, then the request
return accept_request(read_request(2))
