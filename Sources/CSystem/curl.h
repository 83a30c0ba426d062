// libcurl with its variadic calls given one typed function per kind of argument.
#pragma once
#include <curl/curl.h>

static inline CURLcode curl_setopt_long(CURL *curl, CURLoption option, long value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode curl_setopt_offset(CURL *curl, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode curl_setopt_string(CURL *curl, CURLoption option, const char *value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode curl_setopt_pointer(CURL *curl, CURLoption option, const void *value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode curl_setopt_list(CURL *curl, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode curl_setopt_write(CURL *curl, curl_write_callback function, void *context) {
    CURLcode code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, function);
    return code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_WRITEDATA, context) : code;
}
static inline CURLcode curl_setopt_header(CURL *curl, curl_write_callback function, void *context) {
    CURLcode code = curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, function);
    return code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_HEADERDATA, context) : code;
}
static inline CURLcode curl_getinfo_long(CURL *curl, CURLINFO info, long *value) {
    return curl_easy_getinfo(curl, info, value);
}
static inline CURLcode curl_setopt_progress(CURL *curl, curl_xferinfo_callback function, void *context) {
    CURLcode code = curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, function);
    return code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_XFERINFODATA, context) : code;
}
static inline CURLcode curl_setopt_ssl_context(CURL *curl, curl_ssl_ctx_callback function, void *context) {
    CURLcode code = curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, function);
    return code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, context) : code;
}
