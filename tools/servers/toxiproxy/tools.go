//go:build tools

// Package tools pins the version of Toxiproxy that the tests run.
package tools

import _ "github.com/Shopify/toxiproxy/v2/cmd/server"
