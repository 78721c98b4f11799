"""Rival: Nchan in nginx, one process, if both are installed (Debian: libnginx-mod-nchan).

Nchan continues to send after it has answered a publication. Therefore this program returns 0 for the
seconds, and the benchmark uses the time of the last arrival.
"""

import http.client
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.stdio_program import cannot_run, free_port, respond, serve_requests

MODULES = [
    Path(folder) / "ngx_nchan_module.so"
    for folder in ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/etc/nginx/modules")
]
SETTINGS = """
load_module {module};
daemon off; master_process off; worker_processes 1; worker_rlimit_nofile {files};
pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections {files}; multi_accept on; }}
http {{
  access_log off; tcp_nodelay on; client_header_timeout 1h; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/a; fastcgi_temp_path {folder}/b; uwsgi_temp_path {folder}/c;
  scgi_temp_path {folder}/d; keepalive_requests 1000000; keepalive_timeout 1h; nchan_shared_memory_size 256m;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location /v1/live {{
      nchan_subscriber websocket; nchan_channel_id story; nchan_subscriber_first_message newest;
      nchan_websocket_ping_interval 0;
    }}
    location /publish {{
      nchan_publisher; nchan_channel_id story; nchan_message_buffer_length 1;
      nchan_message_timeout 5s;
    }}
  }}
}}
"""


def main() -> None:
    """Start nginx and publish on request."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    module = next((path for path in MODULES if path.exists()), None)
    if nginx is None or module is None:
        cannot_run("nginx with Nchan is not installed")
    with tempfile.TemporaryDirectory(prefix="widget-nchan-") as folder:
        port = free_port()
        files = os.sysconf("SC_OPEN_MAX")
        settings = Path(folder) / "nginx.conf"
        settings.write_text(
            SETTINGS.format(module=module, folder=folder, port=port, files=files), "ascii"
        )
        process = subprocess.Popen([str(nginx), "-c", str(settings), "-p", folder])
        try:
            publish(process, port)
        finally:
            process.terminate()
            process.wait(10)


def publish(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Publish the payloads that the benchmark requests until its input ends."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(100):
        try:
            connection.connect()
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    respond(port)

    def broadcast(payload: bytes, rounds: int) -> tuple[float, float]:
        before = cpu_seconds(process.pid)
        for _ in range(rounds):
            connection.request("POST", "/publish", payload)
            connection.getresponse().read()
        return 0.0, cpu_seconds(process.pid) - before

    serve_requests(broadcast)


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


main()
