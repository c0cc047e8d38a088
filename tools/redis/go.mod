// The Redis that Argo CD keeps its cache in while the tests of tests/argocd run.
module example.invalid/classifier-operator/tools/redis

go 1.26.0

require github.com/alicebob/miniredis/v2 v2.35.0

require github.com/yuin/gopher-lua v1.1.1 // indirect
