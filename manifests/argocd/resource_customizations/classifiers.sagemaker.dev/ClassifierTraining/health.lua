-- Both kinds of this group follow kstatus: Ready, and besides it Reconciling or Stalled while there is something to say.
-- Only Stalled is Degraded: it will not pass by itself. Throttling, quotas, retries and updates are waited for.
local hs = { status = "Progressing", message = "Waiting for the operator" }
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  hs.message = "Waiting for the operator to see the changed spec"
  return hs
end

local held = {}
for _, condition in ipairs(obj.status.conditions) do
  held[condition.type] = condition
end

local ready = held["Ready"]
if held["Reconciling"] ~= nil and held["Reconciling"].status == "True" then
  hs.message = held["Reconciling"].message
elseif held["Stalled"] ~= nil and held["Stalled"].status == "True" then
  hs.status = "Degraded"
  hs.message = held["Stalled"].message
elseif ready ~= nil then
  if ready.status == "True" then
    hs.status = "Healthy"
  elseif ready.reason == "Suspended" then
    hs.status = "Suspended"
  end
  hs.message = ready.message
end
return hs
