// http_post - one HTTP request, by libcurl.
// SPDX-License-Identifier: MIT
#include "cli/http_post.h"

#include <curl/curl.h>
#include <stdio.h>

#define ANSWER_MAX (1 << 20)
#define WITHIN_MS  10000L

static size_t append_answer_body(char *data, size_t size, size_t n, void *arg) {
    buffer_t *answer = arg;
    if (answer->length + size * n > ANSWER_MAX) return 0;
    buffer_add(answer, data, size * n);
    return size * n;
}

static CURLcode perform_post(CURL *curl, const char *url, struct span body, buffer_t *answer) {
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, WITHIN_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.length);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data ? body.data : "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append_answer_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    return curl_easy_perform(curl);
}

// The content type is left to libcurl: the door reads the content, not the header.
unsigned http_post(const char *url, struct span body, buffer_t *answer, char why[static 256]) {
    CURL *curl = curl_easy_init();
    long status = 0;
    snprintf(why, 256, "libcurl cannot start");
    if (!curl) return 0;
    CURLcode code = perform_post(curl, url, body, answer);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    else
        snprintf(why, 256, "%s", curl_easy_strerror(code));
    curl_easy_cleanup(curl);
    return (unsigned)status;
}
