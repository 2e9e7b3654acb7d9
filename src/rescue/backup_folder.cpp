// Copying with the hash on the way, and reading back.
#include "rescue/backup_folder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
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

namespace fs = std::filesystem;

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

/// Gives what was written under another name its place, over an older copy of the file where there is one.
Result<> put_in_place(io::OutputFile& written, const fs::path& path)
{
    SALVAGE_TRY(written.commit());
    if (::rename(written.path().c_str(), path.c_str()) != 0) {
        return from_errno(errno, "a copied file cannot take its place", path.string());
    }
    return {};
}

Result<> read_back(const fs::path& target, const BackupFile& file, BackupProgress& progress)
{
    const auto holder = SALVAGE_TRY(open_holder(target.string(), target));
    auto opened = SALVAGE_TRY(MediumFile::open(holder.folder.get(), file.path));
    PieceHasher hasher;
    SALVAGE_TRY(opened.read(ByteRange::first(ByteCount{file.size}), [&](ByteOffset /*at*/, ByteView bytes) {
        hasher.update(bytes);
        return progress.add(bytes.size());
    }));
    BackupFile back;
    hasher.finish(back);
    if (opened.size().value != file.size || back.sha256 != file.sha256) {
        return Error{ErrorCode::mismatch,
                     "the medium gave back something else than was written",
                     printable(file.path),
                     std::nullopt,
                     "use another medium: this one loses data",
                     {}};
    }
    return {};
}

Result<BackupFile> copy_link(const CaseEntry& entry, const fs::path& to)
{
    std::error_code problem;
    fs::remove(to, problem);
    fs::create_symlink(entry.link, to, problem);
    if (problem) {
        return from_errno(problem.value(), "a link cannot be made", to.string());
    }
    BackupFile file;
    file.path = entry.path;
    file.link = entry.link;
    return file;
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

Result<BackupFile> copy_into(const std::filesystem::path& case_folder, const CaseEntry& entry,
                             const std::filesystem::path& target, const std::optional<std::string>& expected,
                             BackupProgress& progress)
{
    const auto to = target / entry.path;
    std::error_code problem;
    fs::create_directories(to.parent_path(), problem);
    if (!entry.link.empty()) {
        return copy_link(entry, to);
    }
    const auto source_folder = SALVAGE_TRY(open_case_folder(case_folder));
    const auto source = SALVAGE_TRY(open_beneath(source_folder.get(), entry.path));
    struct stat facts{};
    if (::fstat(source.get(), &facts) != 0) {
        return from_errno(errno, "a file of the case cannot be looked at", entry.path);
    }
    // A name of its own: behind the longest names there is no room for an ending.
    const auto under_way = target / backup_under_way;
    fs::remove(under_way, problem); // of an interrupted run
    auto written = SALVAGE_TRY(io::OutputFile::create(under_way, io::Leftover::start_over, facts.st_mode & 0777U));
    BackupFile file;
    file.path = entry.path;
    file.mtime = entry.mtime;
    SALVAGE_TRY(copy_bytes(source.get(), written, file, progress));
    if (expected && *expected != file.sha256) {
        fs::remove(written.partial_path(), problem);
        return other_content(file, *expected);
    }
    const std::array times{facts.st_atim, facts.st_mtim};
    ::futimens(written.descriptor(), times.data());
    SALVAGE_TRY(put_in_place(written, to));
    if (auto back = read_back(target, file, progress); !back.has_value()) {
        if (back.error().code == ErrorCode::mismatch) {
            fs::remove(to, problem);
        }
        return std::move(back).error();
    }
    return file;
}

Result<PieceHolder> open_holder(std::string name, const std::filesystem::path& folder)
{
    return PieceHolder{.name = std::move(name), .folder = SALVAGE_TRY(open_case_folder(folder))};
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

std::optional<std::string> link_of(const PieceHolder& holder, const BackupFile& file)
{
    const auto place = walk_beneath(holder.folder.get(), file.path);
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

Result<> mend_shape(const std::filesystem::path& target, const BackupFile& file)
{
    const auto path = target / file.path;
    std::error_code problem;
    fs::create_directories(path.parent_path(), problem);
    const auto kind = fs::symlink_status(path, problem).type();
    if (file.is_link()) {
        fs::remove(path, problem);
        fs::create_symlink(file.link, path, problem);
        return problem ? from_errno(problem.value(), "a link cannot be made", path.string()) : Result<>{};
    }
    if (kind != fs::file_type::regular && kind != fs::file_type::not_found) {
        fs::remove(path, problem); // a folder with something in it stays, and opening fails
    }
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
    const OwnedDescriptor opened{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)};
    if (!opened.is_open() || ::ftruncate(opened.get(), static_cast<off_t>(file.size)) != 0 ||
        ::fsync(opened.get()) != 0) {
        return from_errno(errno, "a copied file cannot be mended", path.string());
    }
    return {};
}

Result<> mend_piece(const std::filesystem::path& target, const BackupFile& file, std::size_t piece, ByteView right)
{
    const auto path = target / file.path;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
    const OwnedDescriptor opened{::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!opened.is_open()) {
        return from_errno(errno, "a copied file cannot be mended", path.string());
    }
    auto at = file.piece(piece).start().value;
    for (auto rest = right; !rest.empty();) {
        const auto wrote = ::pwrite(opened.get(), rest.data(), rest.size(), static_cast<off_t>(at));
        if (wrote < 0 && errno != EINTR) {
            return from_errno(errno, "a copied file cannot be mended", path.string());
        }
        const auto done = static_cast<std::size_t>(std::max<ssize_t>(wrote, 0));
        rest = rest.subspan(done);
        at += done;
    }
    if (::fsync(opened.get()) != 0) {
        return from_errno(errno, "a copied file cannot be mended", path.string());
    }
    const auto holder = SALVAGE_TRY(open_holder(target.string(), target));
    PieceReader reader{holder, file};
    if (reader.hash(piece).sha256 != file.pieces.at(piece)) {
        return Error{ErrorCode::mismatch,
                     "the medium gave back something else than was written",
                     printable(file.path),
                     std::nullopt,
                     "use another medium: this one loses data",
                     {}};
    }
    return {};
}

} // namespace salvage::rescue
