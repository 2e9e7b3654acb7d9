// Image files and the work folder of the sample phone.
#include "sample_phone_tools.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace salvage::rescue::sample {

namespace fs = std::filesystem;

ImageFile::ImageFile(fs::path path, int descriptor) noexcept : path_{std::move(path)}, descriptor_{descriptor} {}

ImageFile::ImageFile(ImageFile&& other) noexcept
    : path_{std::move(other.path_)}, descriptor_{std::exchange(other.descriptor_, -1)}
{
}

ImageFile& ImageFile::operator=(ImageFile&& other) noexcept
{
    std::swap(path_, other.path_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

ImageFile::~ImageFile()
{
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

Result<ImageFile> ImageFile::create(const fs::path& path, ByteCount size)
{
    constexpr mode_t mode = 0644;
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0) {
        return from_errno(errno, "cannot make a file of the sample phone", path.string());
    }
    ImageFile file{path, descriptor};
    SALVAGE_TRY(file.set_size(size));
    return file;
}

Result<ImageFile> ImageFile::open(const fs::path& path)
{
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) {
        return from_errno(errno, "cannot open a file of the sample phone", path.string());
    }
    return ImageFile{path, descriptor};
}

Result<> ImageFile::read_at(ByteOffset at, std::span<std::byte> into) const
{
    while (!into.empty()) {
        const auto got = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(at.value));
        if (got < 0) {
            return from_errno(errno, "cannot read a file of the sample phone", path_.string());
        }
        if (got == 0) {
            return truncated(at, "a file of the sample phone is shorter than it was made", path_.string());
        }
        into = into.subspan(static_cast<std::size_t>(got));
        at = at + ByteCount{static_cast<std::uint64_t>(got)};
    }
    return {};
}

Result<> ImageFile::write_at(ByteOffset at, ByteView bytes)
{
    while (!bytes.empty()) {
        const auto put = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at.value));
        if (put <= 0) {
            return from_errno(errno, "cannot write a file of the sample phone", path_.string());
        }
        bytes = bytes.subspan(static_cast<std::size_t>(put));
        at = at + ByteCount{static_cast<std::uint64_t>(put)};
    }
    return {};
}

Result<> ImageFile::set_size(ByteCount size)
{
    if (::ftruncate(descriptor_, static_cast<off_t>(size.value)) != 0) {
        return from_errno(errno, "cannot set the size of a file of the sample phone", path_.string());
    }
    return {};
}

Result<ByteCount> ImageFile::size() const
{
    struct stat facts{};
    if (::fstat(descriptor_, &facts) != 0) {
        return from_errno(errno, "cannot ask for the size of a file of the sample phone", path_.string());
    }
    return ByteCount{static_cast<std::uint64_t>(facts.st_size)};
}

Result<> write_new_file(const fs::path& path, ByteView bytes)
{
    auto file = SALVAGE_TRY(ImageFile::create(path, ByteCount{bytes.size()}));
    return file.write_at(ByteOffset{0}, bytes);
}

Result<Bytes> read_whole_file(const fs::path& path)
{
    const auto file = SALVAGE_TRY(ImageFile::open(path));
    const auto size = SALVAGE_TRY(file.size());
    Bytes out(size.value);
    SALVAGE_TRY(file.read_at(ByteOffset{0}, out));
    return out;
}

WorkFolder::WorkFolder(fs::path path) noexcept : path_{std::move(path)} {}

WorkFolder::WorkFolder(WorkFolder&& other) noexcept : path_{std::exchange(other.path_, {})} {}

WorkFolder::~WorkFolder()
{
    if (!path_.empty()) {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
}

Result<WorkFolder> WorkFolder::make(const fs::path& parent)
{
    auto name = (parent / ".building-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        return from_errno(errno, "cannot make a work folder for the sample phone", parent.string());
    }
    return WorkFolder{name};
}

} // namespace salvage::rescue::sample
