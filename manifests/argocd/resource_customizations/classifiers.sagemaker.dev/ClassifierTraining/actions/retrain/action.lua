-- Another run of the same spec: any new value of the annotation starts one.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["classifiers.sagemaker.dev/retrain"] = os.date("!%Y-%m-%dT%XZ")
return obj
