// The journal.
#include "rescue/growing_files.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace salvage::rescue {

Result<Journal> Journal::open(const std::filesystem::path& path)
{
    Journal journal;
    journal.path_ = path;
    journal.file_ =
        OwnedDescriptor{::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    struct stat status{};
    if (!journal.file_.is_open() || ::fstat(journal.file_.get(), &status) != 0) {
        return from_errno(errno, "the journal cannot be opened", path.string());
    }
    char last = '\n';
    if (status.st_size > 0 && ::pread(journal.file_.get(), &last, 1, status.st_size - 1) == 1 && last != '\n') {
        SALVAGE_TRY(journal.append("\n"));
    }
    return journal;
}

Result<> Journal::append(std::string_view text) const
{
    while (!text.empty()) {
        const auto written = ::write(file_.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return from_errno(written == 0 ? ENOSPC : errno, "the journal cannot be written", path_.string());
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

} // namespace salvage::rescue
