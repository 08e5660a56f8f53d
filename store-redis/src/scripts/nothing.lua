-- Behind a fence: whether an execution owns its workflow.
return {'done'}
