// client_options - how this system asks servers of others over HTTP: checked, direct, in time.
// SPDX-License-Identifier: MIT
//
// Only for programs that link libcurl, so it is a header.
#pragma once

#include <curl/curl.h>

#define CLIENT_CONNECT_MS 5000L

// Only HTTP and HTTPS, no proxy, no redirect (a body, and what is secret in it, goes to nobody else),
// no signal, certificates checked. within_ms: for the whole answer. ca_file NULL: the system's.
static inline void client_set_up(CURL *easy, long within_ms, const char *ca_file) {
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     within_ms < CLIENT_CONNECT_MS ? within_ms : CLIENT_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, within_ms);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tradecast");
    if (ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
}
