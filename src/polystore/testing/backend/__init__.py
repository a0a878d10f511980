"""What every backend promises, whichever kinds it serves."""

from __future__ import annotations

from polystore.testing.backend.catalogue import BackendCatalogue
from polystore.testing.backend.changes import BackendChanges
from polystore.testing.backend.clients import BackendClients
from polystore.testing.backend.cut_off import BackendCutOff
from polystore.testing.backend.declared import BackendDeclared
from polystore.testing.backend.generations import BackendGenerations
from polystore.testing.backend.interleaved import BackendInterleaved
from polystore.testing.backend.lifecycle import BackendLifecycle
from polystore.testing.backend.quotas import BackendQuotas
from polystore.testing.backend.removals import BackendRemovals
from polystore.testing.backend.tenants import BackendTenants
from polystore.testing.backend.trouble import BackendTrouble
from polystore.testing.backend.unit_rules import BackendUnitRules
from polystore.testing.backend.units import BackendUnits
from polystore.testing.backend.workspaces import BackendWorkspaces


class BackendSuite(
    BackendDeclared,
    BackendLifecycle,
    BackendClients,
    BackendCatalogue,
    BackendChanges,
    BackendGenerations,
    BackendRemovals,
    BackendWorkspaces,
    BackendQuotas,
    BackendTenants,
    BackendTrouble,
    BackendCutOff,
    BackendInterleaved,
    BackendUnits,
    BackendUnitRules,
):
    """Every promise of `polystore.backend.Backend` and of the client above it.

    Attributes:
        clients_share: Whether two clients of the configuration see the same data. An engine that
            lives inside one client says False; the kit then proves that nothing is shared.
    """


__all__ = ["BackendSuite"]
