/* Raw loop: accept, answer the handshake, then send() to every socket ROUNDS times.
 *
 * Requests are lines "ROUNDS PAYLOAD" on standard input; each is answered by
 * "SECONDS CPU_SECONDS". The payload must have 126 to 65,535 bytes; the program adds the WebSocket
 * header. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char ACCEPT[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    "Sec-WebSocket-Protocol: widget.v1\r\n\r\n";

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

int main(void) {
    static int sockets[65536];
    static char request[4096], line[70000], frame[70000];
    int open_sockets = 0, yes = 1;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 4096)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct pollfd ready[2] = {{listener, POLLIN, 0}, {0, POLLIN, 0}};
    while (poll(ready, 2, -1) > 0) {
        if (ready[0].revents) {
            int one = accept(listener, NULL, NULL);
            if (one < 0 || open_sockets == 65536) return 1;
            setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            if (recv(one, request, sizeof request, 0) <= 0) return 1;
            send(one, ACCEPT, sizeof ACCEPT - 1, MSG_NOSIGNAL);
            sockets[open_sockets++] = one;
        }
        if (!ready[1].revents) continue;
        if (!fgets(line, sizeof line, stdin)) return 0;
        line[strcspn(line, "\n")] = 0;
        char *payload;
        long rounds = strtol(line, &payload, 10);
        size_t size = strlen(++payload);
        if (size < 126 || size > 65535) return 1;
        frame[0] = (char)0x81;
        frame[1] = 126;
        frame[2] = (char)(size >> 8);
        frame[3] = (char)(size & 255);
        memcpy(frame + 4, payload, size);
        double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
        for (long round = 0; round < rounds; round++)
            for (int at = 0; at < open_sockets; at++)
                send(sockets[at], frame, size + 4, MSG_NOSIGNAL);
        printf("%.6f %.6f\n", seconds(CLOCK_MONOTONIC) - wall,
               seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        fflush(stdout);
    }
    return 0;
}
