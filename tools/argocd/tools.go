//go:build tools

// Package tools names the commands of this module, so that `go mod tidy` keeps what they need.
package tools

import (
	_ "github.com/argoproj/argo-cd/v3/cmd"
	_ "sigs.k8s.io/kustomize/kustomize/v5"
)
