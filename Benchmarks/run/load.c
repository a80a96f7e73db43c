/* The least that a FastCGI worker can be: libfcgi, libpq, one request after the other.
 *
 *   load SOCKET "CONNECTION STRING" SIZE WORKERS
 *
 * Takes the last number of the path for the customer, sends the product's statements as one pipeline (statements.h is
 * written from what the product sends), answers the columns as JSON, filled up to SIZE bytes. With SIZE 0 it asks no
 * database and answers the path. Each worker keeps the connection that it accepted until nginx closes it.
 */
#include <fcgiapp.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct parameter {
    const char *before, *after; /* after: not 0 where the customer's id stands between */
};
struct statement {
    const char *sql;
    int count;
    const Oid *types;
    const struct parameter *parameters;
};
#include "statements.h"

#define COUNT ((int)(sizeof statements / sizeof *statements))
enum { MOST = 64, ROOM = 1 << 16 };

static char body[ROOM];
static size_t length;

static void add(const char *text, size_t size) {
    if (length + size < ROOM) {
        memcpy(body + length, text, size);
        length += size;
    }
}

static void put(const char *text) { add(text, strlen(text)); }

static void fail(PGconn *db, const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, db ? PQerrorMessage(db) : "");
    exit(1);
}

/* A text between quotation marks, as JSON has it. */
static void quote(const char *text) {
    add("\"", 1);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') add("\\", 1);
        add(text, 1);
    }
    add("\"", 1);
}

static void ask(PGconn *db, const char *id) {
    static char texts[MOST][256];
    const char *values[MOST];
    char name[16];
    for (int s = 0; s < COUNT; s++) {
        const struct statement *one = &statements[s];
        for (int p = 0; p < one->count; p++) {
            values[p] = one->parameters[p].before;
            if (one->parameters[p].after) {
                snprintf(texts[p], sizeof texts[p], "%s%s%s", one->parameters[p].before, id, one->parameters[p].after);
                values[p] = texts[p];
            }
        }
        snprintf(name, sizeof name, "s%d", s);
        if (!PQsendQueryPrepared(db, name, one->count, values, NULL, NULL, 0)) fail(db, "send");
    }
    if (!PQpipelineSync(db)) fail(db, "sync");
    put("{");
    for (int ends = 0; ends < 1;) {
        PGresult *rows = PQgetResult(db);
        if (!rows) continue;
        switch (PQresultStatus(rows)) {
        case PGRES_PIPELINE_SYNC: ends = 1; break;
        case PGRES_TUPLES_OK:
            for (int row = 0; row < PQntuples(rows); row++) {
                for (int column = 0; column < PQnfields(rows); column++) {
                    if (PQgetisnull(rows, row, column)) continue;
                    if (length > 1) add(",", 1);
                    quote(PQfname(rows, column));
                    add(":", 1);
                    quote(PQgetvalue(rows, row, column));
                }
            }
            break;
        default: fail(db, PQresultErrorMessage(rows));
        }
        PQclear(rows);
    }
    put("}");
}

static int work(int socket, const char *where, size_t size) {
    PGconn *db = NULL;
    if (size) {
        db = PQconnectdb(where);
        if (PQstatus(db) != CONNECTION_OK) fail(db, "connect");
        for (int s = 0; s < COUNT; s++) {
            char name[16];
            snprintf(name, sizeof name, "s%d", s);
            PGresult *made = PQprepare(db, name, statements[s].sql, statements[s].count, statements[s].types);
            if (PQresultStatus(made) != PGRES_COMMAND_OK) fail(db, "prepare");
            PQclear(made);
        }
        if (!PQenterPipelineMode(db)) fail(db, "pipeline");
    }
    FCGX_Request request;
    if (FCGX_Init() || FCGX_InitRequest(&request, socket, 0)) fail(NULL, "libfcgi");
    while (FCGX_Accept_r(&request) == 0) {
        const char *path = FCGX_GetParam("REQUEST_URI", request.envp);
        const char *id = path ? strrchr(path, '/') : NULL;
        length = 0;
        if (db) {
            ask(db, id ? id + 1 : "0");
            while (length < size) add(" ", 1);
        } else {
            put(path ? path : "");
        }
        FCGX_FPrintF(request.out, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", (int)length);
        FCGX_PutStr(body, (int)length, request.out);
        FCGX_Finish_r(&request);
    }
    return 0;
}

int main(int count, char **words) {
    if (count != 5) return 2;
    int socket = FCGX_OpenSocket(words[1], 511);
    if (socket < 0) fail(NULL, "listen");
    for (int n = atoi(words[4]); n > 0; n--) {
        pid_t child = fork();
        if (child < 0) fail(NULL, "fork");
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            return work(socket, words[2], strtoul(words[3], NULL, 10));
        }
    }
    while (wait(NULL) > 0) continue;
    return 1;
}
