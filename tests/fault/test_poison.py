"""A message that kills its consumer ends in the dead letters after three tries, with its orders visibly rejected; the rest goes on."""
# SPDX-License-Identifier: MIT
import pytest

from tests.harness.wait import until

PLANT = {"mode": "chaos"}


@pytest.mark.parametrize("name", ["router", "executor.0", "reconciler", "archiver"])
def test_poison_is_buried_after_three_tries(plant_of, name):
    with plant_of(orderly=False, **PLANT) as plant:  # what comes of the message later may kill once more
        poison_and_bury(plant, name)


def poison_and_bury(plant, name):
    door = plant.door()
    poison = f"poison.{name.split('.')[0]}"
    body = {"symbol": "EURUSD", "order_type": "market", "direction": "buy", "lot_size": "0.1", "price": "1.08432"}
    assert door.alert({**body, "signal_id": poison})[0] == 200
    deaths = 0

    def supervised(true):
        """Starts it again each time it dies of the message, or of one that came of it."""
        def look():
            nonlocal deaths
            if not plant.processes[name].alive():
                assert plant.processes[name].status == -9
                deaths += 1
                assert deaths <= 150, "it dies again and again"
                plant.restart(name)
            return true()
        return look

    until(supervised(lambda: plant.admin.xlen(f"deadletter:{name}")), "the message to be in the dead letters", within_s=40)
    assert deaths >= 3
    assert door.alert({**body, "signal_id": f"after-{name}"})[0] == 200
    until(supervised(lambda: plant.signal(f"after-{name}").get("status") == "completed"), "the next signal to be done", within_s=60)
    status, out, _ = plant.command("deadletter", "list")
    assert status == 0 and name in out
    door.close()
