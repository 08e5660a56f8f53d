-- The statuses, and whether nothing more happens to a workflow in them.
local IS_FINAL = {
  PENDING = false, ENQUEUED = false, DELAYED = false, SUCCESS = true, ERROR = true, CANCELLED = true,
  MAX_RECOVERY_ATTEMPTS_EXCEEDED = true,
}
