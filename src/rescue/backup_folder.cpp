// Copying with the hash on the way, and reading back.
#include "rescue/backup_folder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "rescue/beneath.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/output_file.hpp"

namespace salvage::rescue {
namespace {

constexpr std::size_t read_bytes = std::size_t{1} << 20U;

/// SHA-256 of a file as a whole and of its pieces, fed in order.
class PieceHasher {
public:
    void update(ByteView bytes)
    {
        whole_.update(bytes);
        while (!bytes.empty()) {
            const auto room = backup_piece.value - in_piece_;
            const auto part = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(room, bytes.size())));
            piece_.update(part);
            in_piece_ += part.size();
            size_ += part.size();
            bytes = bytes.subspan(part.size());
            if (in_piece_ == backup_piece.value) {
                end_piece();
            }
        }
    }
    void finish(BackupFile& file)
    {
        if (in_piece_ > 0) {
            end_piece();
        }
        file.size = size_;
        file.sha256 = to_hex(whole_.finish());
        file.pieces = std::move(pieces_);
    }

private:
    void end_piece()
    {
        pieces_.push_back(to_hex(piece_.finish()));
        in_piece_ = 0;
    }
    crypto::Sha256 whole_;
    crypto::Sha256 piece_;
    std::vector<std::string> pieces_;
    std::uint64_t in_piece_{0};
    std::uint64_t size_{0};
};

Error medium_lies(const BackupFile& file)
{
    return Error{ErrorCode::mismatch,
                 "the medium gave back something else than was written",
                 printable(file.path),
                 std::nullopt,
                 "use another medium: this one loses data",
                 {}};
}

/// Gives what is at the top of `target` its place, over an older copy of the file where there is one.
Result<> put_in_place(const PieceHolder& target, const std::string& name, const std::string& path)
{
    const auto place = SALVAGE_TRY(make_way_beneath(target.folder.get(), path));
    if (::renameat(target.folder.get(), name.c_str(), place.folder.get(), place.name.c_str()) != 0) {
        return from_errno(errno, "a copied file cannot take its place", path);
    }
    return flush_names(place.folder.get(), path);
}

/// `name`: what the file is called while it is under way.
Result<> read_back(const PieceHolder& target, const std::string& name, const BackupFile& file, BackupProgress& progress)
{
    auto opened = SALVAGE_TRY(MediumFile::open(target.folder.get(), name));
    PieceHasher hasher;
    SALVAGE_TRY(opened.read(ByteRange::first(ByteCount{file.size}), [&](ByteOffset /*at*/, ByteView bytes) {
        hasher.update(bytes);
        return progress.add(bytes.size());
    }));
    BackupFile back;
    hasher.finish(back);
    return opened.size().value == file.size && back.sha256 == file.sha256 ? Result<>{} : medium_lies(file);
}

Result<> make_link(const PieceHolder& target, const BackupFile& file)
{
    const std::string name{backup_under_way};
    ::unlinkat(target.folder.get(), name.c_str(), 0); // of an interrupted run
    if (::symlinkat(file.link.c_str(), target.folder.get(), name.c_str()) != 0) {
        return from_errno(errno, "a link cannot be made", file.path);
    }
    if (link_of(target, name) != file.link) {
        ::unlinkat(target.folder.get(), name.c_str(), 0);
        return medium_lies(file);
    }
    return put_in_place(target, name, file.path);
}

Error other_content(const BackupFile& file, const std::string& expected)
{
    return Error{ErrorCode::mismatch,
                 "a file of the case is not as its log says, and was not copied",
                 fmt::format("{} has SHA-256 {}, the log says {}", printable(file.path), file.sha256, expected),
                 std::nullopt,
                 "salvage case verify CASE tells what else is wrong",
                 {}};
}

/// `further`: O_CREAT, or 0.
Result<OwnedDescriptor> open_to_mend(const NameBeneath& place, const BackupFile& file, int further)
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
    OwnedDescriptor opened{
        ::openat(place.folder.get(), place.name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | further, 0644)};
    struct stat facts{};
    if (!opened.is_open() || ::fstat(opened.get(), &facts) != 0) {
        return from_errno(errno, "a copied file cannot be mended", file.path);
    }
    if (!S_ISREG(facts.st_mode) || facts.st_nlink > 1) {
        return Error{ErrorCode::already_exists,
                     "a copied file is no plain file any more, or has a second name that would change with it",
                     printable(file.path),
                     std::nullopt,
                     "move it away and run the same command again",
                     {}};
    }
    return opened;
}

Result<> copy_bytes(int from, io::OutputFile& to, BackupFile& file, BackupProgress& progress)
{
    PieceHasher hasher;
    Bytes buffer(read_bytes);
    for (std::uint64_t at = 0;;) {
        const auto got = ::pread(from, buffer.data(), buffer.size(), static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return from_errno(errno, "a file of the case cannot be read", file.path);
        }
        if (got == 0) {
            break;
        }
        const ByteView bytes{buffer.data(), static_cast<std::size_t>(got)};
        hasher.update(bytes);
        SALVAGE_TRY(to.write_sparse_at(ByteOffset{at}, bytes));
        at += bytes.size();
        SALVAGE_TRY(progress.add(bytes.size()));
    }
    hasher.finish(file);
    return to.set_size(ByteCount{file.size});
}

} // namespace

Result<PieceHolder> open_holder(std::string name, const std::filesystem::path& folder)
{
    return PieceHolder{.name = std::move(name), .path = folder, .folder = SALVAGE_TRY(open_case_folder(folder))};
}

Result<BackupFile> copy_into(const PieceHolder& source, const CaseEntry& entry, const PieceHolder& target,
                             const std::optional<std::string>& expected, BackupProgress& progress)
{
    BackupFile file;
    file.path = entry.path;
    if (!entry.link.empty()) {
        file.link = entry.link;
        SALVAGE_TRY(make_link(target, file));
        return file;
    }
    const auto from = SALVAGE_TRY(open_beneath(source.folder.get(), entry.path));
    struct stat facts{};
    if (::fstat(from.get(), &facts) != 0) {
        return from_errno(errno, "a file of the case cannot be looked at", entry.path);
    }
    // A name of its own: behind the longest names there is no room for an ending.
    auto written = SALVAGE_TRY(
        io::OutputFile::create(target.path / backup_under_way, io::Leftover::start_over, facts.st_mode & 0777U));
    const auto under_way = written.partial_path().filename().string();
    file.mtime = entry.mtime;
    SALVAGE_TRY(copy_bytes(from.get(), written, file, progress));
    if (expected && *expected != file.sha256) {
        ::unlinkat(target.folder.get(), under_way.c_str(), 0);
        return other_content(file, *expected);
    }
    const std::array times{facts.st_atim, facts.st_mtim};
    ::futimens(written.descriptor(), times.data());
    SALVAGE_TRY(written.flush());
    if (auto back = read_back(target, under_way, file, progress); !back.has_value()) {
        if (back.error().code == ErrorCode::mismatch) {
            ::unlinkat(target.folder.get(), under_way.c_str(), 0);
        }
        return std::move(back).error();
    }
    SALVAGE_TRY(put_in_place(target, under_way, file.path));
    return file;
}

bool has_shape(const PieceHolder& holder, const CaseEntry& entry)
{
    if (!entry.link.empty()) {
        return link_of(holder, entry.path) == entry.link;
    }
    const auto place = walk_beneath(holder.folder.get(), entry.path);
    struct stat facts{};
    return place.has_value() && ::fstatat(place->folder.get(), place->name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(facts.st_mode) && std::cmp_equal(facts.st_size, entry.size);
}

PieceReader::PieceReader(const PieceHolder& holder, const BackupFile& file) : file_{&file}
{
    auto opened = MediumFile::open(holder.folder.get(), file.path);
    if (opened.has_value()) {
        opened_.emplace(*std::move(opened));
        return;
    }
    problem_ = opened.error().code == ErrorCode::io ? "unreadable" : "missing";
}

PieceState PieceReader::hash(std::size_t piece)
{
    if (!opened_) {
        return {.sha256 = {}, .why = problem_};
    }
    auto sum = opened_->hash(file_->piece(piece));
    return sum ? PieceState{.sha256 = *std::move(sum), .why = {}} : PieceState{.sha256 = {}, .why = "unreadable"};
}

Result<Bytes> PieceReader::bytes(std::size_t piece)
{
    Bytes out;
    if (!opened_) {
        return not_found("it is not there", file_->path);
    }
    out.reserve(static_cast<std::size_t>(file_->piece(piece).size().value));
    SALVAGE_TRY(opened_->read(file_->piece(piece), [&](ByteOffset /*at*/, ByteView bytes) -> Result<> {
        out.insert(out.end(), bytes.begin(), bytes.end());
        return {};
    }));
    return out;
}

std::optional<std::uint64_t> PieceReader::size() const noexcept
{
    return opened_ ? std::optional{opened_->size().value} : std::nullopt;
}

std::optional<std::string> link_of(const PieceHolder& holder, const std::string& path)
{
    const auto place = walk_beneath(holder.folder.get(), path);
    if (!place.has_value()) {
        return std::nullopt;
    }
    std::string target(4096, '\0');
    const auto size = ::readlinkat(place->folder.get(), place->name.c_str(), target.data(), target.size());
    if (size < 0) {
        return std::nullopt;
    }
    target.resize(static_cast<std::size_t>(size));
    return target;
}

Result<> mend_shape(const PieceHolder& target, const BackupFile& file)
{
    if (file.is_link()) {
        return make_link(target, file);
    }
    const auto place = SALVAGE_TRY(make_way_beneath(target.folder.get(), file.path));
    struct stat facts{};
    if (::fstatat(place.folder.get(), place.name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
        !S_ISREG(facts.st_mode)) {
        ::unlinkat(place.folder.get(), place.name.c_str(), 0); // a folder stays, and opening fails
    }
    const auto opened = SALVAGE_TRY(open_to_mend(place, file, O_CREAT));
    if (::ftruncate(opened.get(), static_cast<off_t>(file.size)) != 0 || ::fsync(opened.get()) != 0) {
        return from_errno(errno, "a copied file cannot be mended", file.path);
    }
    return flush_names(place.folder.get(), file.path);
}

Result<> mend_piece(const PieceHolder& target, const BackupFile& file, std::size_t piece, ByteView right)
{
    const auto place = SALVAGE_TRY(walk_beneath(target.folder.get(), file.path));
    const auto opened = SALVAGE_TRY(open_to_mend(place, file, 0));
    auto at = file.piece(piece).start().value;
    for (auto rest = right; !rest.empty();) {
        const auto wrote = ::pwrite(opened.get(), rest.data(), rest.size(), static_cast<off_t>(at));
        if (wrote < 0 && errno != EINTR) {
            return from_errno(errno, "a copied file cannot be mended", file.path);
        }
        const auto done = static_cast<std::size_t>(std::max<ssize_t>(wrote, 0));
        rest = rest.subspan(done);
        at += done;
    }
    if (::fsync(opened.get()) != 0) {
        return from_errno(errno, "a copied file cannot be mended", file.path);
    }
    PieceReader reader{target, file};
    return reader.hash(piece).sha256 == file.pieces.at(piece) ? Result<>{} : medium_lies(file);
}

void mend_time(const PieceHolder& target, const BackupFile& file)
{
    const auto place = walk_beneath(target.folder.get(), file.path);
    if (file.is_link() || !place.has_value()) {
        return;
    }
    constexpr std::int64_t second = 1'000'000'000;
    const auto rest = ((file.mtime % second) + second) % second;
    const timespec time{.tv_sec = (file.mtime - rest) / second, .tv_nsec = rest};
    const std::array times{time, time};
    ::utimensat(place->folder.get(), place->name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
}

} // namespace salvage::rescue
