"""What `infra/compose.yaml` keeps to; and that it is one, by the specification's own schema."""

import json
import re
import shutil
import subprocess
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from ev_pipeline.stack.container_probes import SERVICES as OURS
from ev_pipeline.stack.handing_out import NEEDED
from ev_pipeline_tests.containers.compose_file import (
    COMPOSE_FILE,
    compose,
    mounts,
    ports,
    services,
)
from ev_pipeline_tests.house.repository import ROOT

ONCE = {"init", "prepare", "cli"}
"""They end by themselves."""

ALL = sorted(services())

PUBLISHED = {"mosquitto": "8883", "nodered": "1880", "dagster-webserver": "3000"}


def test_it_is_a_compose_file_by_the_specification() -> None:
    schemas = files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((schemas / "compose-spec.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(compose())] == []
    broken = compose()
    broken["services"]["stream"]["restrat"] = "always"
    assert list(validator.iter_errors(broken))


def test_docker_compose_understands_it() -> None:
    docker = shutil.which("docker")
    version = [docker or "docker", "compose", "version"]
    if not docker or subprocess.run(version, capture_output=True, check=False).returncode:
        pytest.skip("needs `docker compose`")
    command = [docker, "compose", "-f", str(COMPOSE_FILE), "--profile", "*", "config", "--quiet"]
    understood = subprocess.run(command, capture_output=True, text=True, check=False)
    assert understood.returncode == 0, understood.stderr


def test_every_part_of_the_pipeline_has_a_service() -> None:
    assert {*ALL} == {
        *("postgres", "mosquitto", "nodered", "proxy", "init", "prepare", "cli"),
        *OURS,
    }
    profiles = {name: each["profiles"] for name, each in services().items() if "profiles" in each}
    assert profiles == {"simulator": ["simulator"], "proxy": ["proxy"], "cli": ["cli"]}


def test_three_ports_are_published_and_only_on_this_machine() -> None:
    found = {name: ports(each) for name, each in services().items() if each.get("ports")}
    assert found.pop("proxy") == [("127.0.0.1", "443", "8443")]
    assert found == {name: [("127.0.0.1", port, port)] for name, port in PUBLISHED.items()}


def test_who_wants_the_ports_elsewhere_says_so() -> None:
    told = services({"EV_PUBLISH_BROKER": "192.0.2.7", "EV_PUBLISH_PAGES": "192.0.2.8"})
    addresses = {name: ports(told[name])[0][0] for name in PUBLISHED}
    assert addresses == {
        "mosquitto": "192.0.2.7",
        "nodered": "192.0.2.8",
        "dagster-webserver": "192.0.2.8",
    }


def test_one_network_has_no_way_out_and_who_publishes_nothing_has_only_that() -> None:
    assert compose()["networks"] == {"inside": {"internal": True}, "edge": {}}
    for name, service in services().items():
        if name == "init":
            assert service["network_mode"] == "none"
        else:
            expected = ["inside", "edge"] if ports(service) else ["inside"]
            assert service["networks"] == expected, name


@pytest.mark.parametrize("name", ALL)
def test_a_service_is_without_rights_that_it_does_not_need(name: str) -> None:
    service = services()[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")


@pytest.mark.parametrize("name", ALL)
def test_a_service_is_bounded_and_comes_back(name: str) -> None:
    service = services()[name]
    assert {*service["deploy"]["resources"]["limits"]} == {"cpus", "memory", "pids"}
    assert service["logging"]["options"]["max-size"]
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")


@pytest.mark.parametrize("name", sorted({*ALL} - ONCE))
def test_a_service_is_asked_whether_it_works(name: str) -> None:
    check = services()[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert check["test"][1:] != []
    assert {"interval", "timeout", "retries", "start_period"} <= {*check}
    if name in OURS:
        assert check["test"][1:] == ["ev-pipeline", "containers", "healthy", name]


def test_who_comes_after_another_waits_until_that_works() -> None:
    for name, service in services().items():
        for other, how in service.get("depends_on", {}).items():
            completes = other in ONCE
            expected = "service_completed_successfully" if completes else "service_healthy"
            assert how == {"condition": expected}, f"{name} after {other}"
        if name != "init":
            assert service["depends_on"], name


def test_images_are_pinned_and_ours_are_built_from_here() -> None:
    for name, service in services().items():
        image = str(service["image"])
        assert re.search(r":\d+\.\d+", image), name
        assert "latest" not in image
        assert ("build" in service) == image.startswith("ev-pipeline")
    for dockerfile in ("infra/image/Dockerfile", "infra/nodered/Dockerfile"):
        bases = re.findall(r"^ARG \w+=(\S+)", (ROOT / dockerfile).read_text(), re.MULTILINE)
        assert bases
        assert all(re.search(r":\d+\.\d+\.\d+-", base) for base in bases)


def test_no_secret_is_in_an_environment_or_an_argument() -> None:
    """They are in files on volumes, and an argument or a variable names the file at most."""
    secret = re.compile(r"password|secret|token|_key|database_url|client_id", re.IGNORECASE)
    for name, service in services().items():
        for variable, value in service.get("environment", {}).items():
            if secret.search(variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert str(value).startswith("/var/lib/ev-pipeline/"), f"{name}: {variable}"
        words = [*service.get("command", []), *service.get("entrypoint", [])]
        assert not [word for word in words if re.search("password|secret", str(word))], name


def test_settings_reach_everything_of_ours_and_the_dashboard() -> None:
    expected = [{"path": "settings.env", "required": False}]
    found = {name for name, each in services().items() if each.get("env_file") == expected}
    assert found == {*OURS, *ONCE, "nodered"}


def volumes_of(service: dict[str, Any]) -> set[str]:
    return {mount.source for mount in mounts(service) if not mount.source.startswith(".")}


def test_the_whole_home_is_seen_only_by_who_makes_it_and_by_commands() -> None:
    assert {name for name, each in services().items() if "home" in volumes_of(each)} == ONCE


def test_each_service_sees_its_own_secrets_read_only() -> None:
    expected = {
        **{
            name: [f"for-{name}"] for name in ("code", "stream", "simulator", "nodered", "postgres")
        },
        **{name: ["for-dagster"] for name in ("dagster-webserver", "dagster-daemon")},
    }
    for name, service in services().items():
        if name in ONCE:
            continue
        handed = [mount for mount in mounts(service) if mount.source.startswith("for-")]
        if name == "proxy":  # which keeps its certificates beside its login
            assert [mount.source for mount in handed] == ["for-proxy"]
        else:
            assert [mount.source for mount in handed] == expected.get(name, []), name
            assert all(mount.is_read_only for mount in handed)
    assert {f"for-{name}" for name in NEEDED} <= {*compose()["volumes"]}


def test_every_volume_is_named_and_used() -> None:
    used = set[str]().union(*(volumes_of(each) for each in services().values()))
    assert used == {*compose()["volumes"]}


def test_the_final_stage_installs_nothing_and_is_not_root() -> None:
    for dockerfile in ("infra/image/Dockerfile", "infra/nodered/Dockerfile"):
        final = (ROOT / dockerfile).read_text().split("\nFROM ")[-1]
        assert "\nUSER 10001:10001\n" in final
        assert not re.search(r"\b(apt|apk|pip|npm|uv)\b", final)


def test_node_red_is_of_the_lock_files_release() -> None:
    base = re.search(r"node-red:(\d+\.\d+)\.", (ROOT / "infra/nodered/Dockerfile").read_text())
    locked = json.loads((ROOT / "infra/nodered/package.json").read_text())
    assert base
    assert locked["dependencies"]["node-red"].startswith(f"{base[1]}.")
