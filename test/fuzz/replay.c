/* Runs a fuzz target on files, or on all files of a folder, without libFuzzer: seeds and findings
 * of the past are regression tests with any compiler. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

/* True if the file could be read and the target came back from it. */
static bool replay_file(const char *path)
{
    CLEANUP(buffer_done) struct buffer bytes = BUFFER_NONE;
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    while ((size = fread(buffer_reserve(&bytes, 65536), 1, 65536, file)) > 0)
        bytes.size += size;
    fclose(file);
    LLVMFuzzerTestOneInput((const uint8_t *)bytes.data, bytes.size);
    return true;
}

static bool replay_folder(const char *path, size_t *count)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool good = folder != NULL;

    while (good && (entry = readdir(folder))) {
        char file[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        good = replay_file(file);
        *count += good;
    }
    if (folder)
        closedir(folder);
    return good;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    bool good = true;

    for (int i = 1; i < argc && good; i++) {
        struct stat status;

        if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode)) {
            good = replay_folder(argv[i], &count);
            continue;
        }
        good = replay_file(argv[i]);
        count += good;
    }
    printf("%zu inputs\n", count);
    return good && count ? 0 : 1;
}
