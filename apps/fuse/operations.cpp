// The low-level operations: each asks the tree and replies.  Nothing here ever writes.
//
// Nodes need no table: a number alone finds a node again, so `forget` has nothing to do and nobody can ask for a node
// that has gone.  The kernel may keep whatever it was told for as long as it likes, for a dump does not change.
#include "operations.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "errno_of.hpp"

namespace salvage::fuse {
namespace {

using filesystem::EntryType;

constexpr double for_ever = 1e9; // seconds

Served& served(fuse_req_t request)
{
    return *static_cast<Served*>(::fuse_req_userdata(request));
}

const Tree& tree(fuse_req_t request)
{
    return *served(request).tree;
}

/// What is missing is no news; what is lost is.
void reply_error(fuse_req_t request, const Error& error)
{
    auto& to = served(request);
    if (error.code != ErrorCode::not_found && to.events->on_problem) {
        const std::scoped_lock lock{to.events_mutex};
        to.events->on_problem(error);
    }
    ::fuse_reply_err(request, errno_of(error.code));
}

/// libfuse is written in C: no exception may reach it.  `work` replies, or returns why it did not.
template <typename Work>
void guarded(fuse_req_t request, const Work& work) noexcept
{
    try {
        const Result<> done = work();
        if (!done.has_value()) {
            reply_error(request, done.error());
        }
    } catch (const std::exception&) {
        ::fuse_reply_err(request, ENOMEM);
    }
}

mode_t type_bits(EntryType type)
{
    switch (type) {
    case EntryType::directory: return S_IFDIR;
    case EntryType::symlink: return S_IFLNK;
    case EntryType::fifo: return S_IFIFO;
    case EntryType::socket: return S_IFSOCK;
    case EntryType::character_device: return S_IFCHR;
    case EntryType::block_device: return S_IFBLK;
    default: return S_IFREG;
    }
}

timespec to_timespec(const filesystem::Timestamp& time)
{
    timespec out{};
    out.tv_sec = time.seconds;
    out.tv_nsec = time.nanoseconds;
    return out;
}

struct stat to_stat(const Node& node)
{
    const auto& entry = node.entry;
    struct stat out{};
    out.st_ino = node.number;
    out.st_mode = type_bits(entry.type) | static_cast<mode_t>(entry.mode & 07777U);
    out.st_nlink = entry.links;
    out.st_uid = entry.uid;
    out.st_gid = entry.gid;
    out.st_rdev = ::makedev(static_cast<unsigned>(entry.device >> 32U), static_cast<unsigned>(entry.device));
    out.st_size = static_cast<off_t>(entry.size.value);
    out.st_blocks = static_cast<blkcnt_t>(entry.size.value / 512 + (entry.size.value % 512 != 0 ? 1 : 0));
    out.st_blksize = 4096;
    out.st_atim = to_timespec(entry.accessed);
    out.st_mtim = to_timespec(entry.modified);
    out.st_ctim = to_timespec(entry.changed);
    return out;
}

fuse_entry_param to_parameter(const Node& node)
{
    fuse_entry_param out{};
    out.ino = node.number;
    out.generation = 1;
    out.attr = to_stat(node);
    out.attr_timeout = for_ever;
    out.entry_timeout = for_ever;
    return out;
}

/// Room for a reply.  Each thread keeps its own, so that no request pays for fresh pages.
std::span<std::byte> reply_room(std::size_t bytes)
{
    thread_local std::vector<std::byte> room;
    if (room.size() < bytes) {
        room.resize(bytes);
    }
    return std::span{room}.first(bytes);
}

char* as_chars(std::span<std::byte> bytes)
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): char may alias bytes.
    return reinterpret_cast<char*>(bytes.data());
}

void on_init(void* /*data*/, fuse_conn_info* connection)
{
    const auto want = [&](unsigned capability) { connection->want |= connection->capable & capability; };
    want(FUSE_CAP_READDIRPLUS);
    connection->want &= ~static_cast<unsigned>(FUSE_CAP_READDIRPLUS_AUTO); // the attributes are at hand anyway
    want(FUSE_CAP_CACHE_SYMLINKS);
    want(FUSE_CAP_ASYNC_READ);
    connection->max_background = 64;
    connection->congestion_threshold = 48;
    connection->time_gran = 1;
}

void on_lookup(fuse_req_t request, fuse_ino_t parent, const char* name)
{
    guarded(request, [&]() -> Result<> {
        const auto found = tree(request).find(parent, name);
        if (!found.has_value() && found.error().code == ErrorCode::not_found) {
            fuse_entry_param none{}; // number 0: the kernel may remember that there is no such name
            none.entry_timeout = for_ever;
            ::fuse_reply_entry(request, &none);
            return {};
        }
        const auto parameter = to_parameter(SALVAGE_TRY(found));
        ::fuse_reply_entry(request, &parameter);
        return {};
    });
}

void on_getattr(fuse_req_t request, fuse_ino_t number, fuse_file_info* /*file*/)
{
    guarded(request, [&]() -> Result<> {
        const auto status = to_stat(SALVAGE_TRY(tree(request).stat(number)));
        ::fuse_reply_attr(request, &status, for_ever);
        return {};
    });
}

void on_readlink(fuse_req_t request, fuse_ino_t number)
{
    guarded(request, [&]() -> Result<> {
        const auto target = SALVAGE_TRY(tree(request).read_link(number));
        ::fuse_reply_readlink(request, target.c_str());
        return {};
    });
}

// --- content ---------------------------------------------------------------------------------------------------------

struct OpenFile {
    io::SourcePtr source;
    bool has_lost_areas{false};
};

template <typename T>
T& opened(const fuse_file_info& file)
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast,performance-no-int-to-ptr): how libfuse keeps handles
    return *reinterpret_cast<T*>(file.fh);
}

template <typename T>
void keep(fuse_file_info& file, std::unique_ptr<T> handle)
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how libfuse keeps handles
    file.fh = reinterpret_cast<std::uint64_t>(handle.release());
}

template <typename T>
void release(fuse_req_t request, fuse_ino_t /*number*/, fuse_file_info* file)
{
    const std::unique_ptr<T> last{&opened<T>(*file)};
    ::fuse_reply_err(request, 0);
}

bool is_lost(const io::Extent& extent)
{
    return extent.kind == io::ExtentKind::unreadable;
}

/// The page cache would lose a page for one bad sector, so a file with lost areas is read past it: the kernel asks for
/// exactly what a program asks for.
void on_open(fuse_req_t request, fuse_ino_t number, fuse_file_info* file)
{
    if ((file->flags & O_ACCMODE) != O_RDONLY) {
        ::fuse_reply_err(request, EROFS);
        return;
    }
    guarded(request, [&]() -> Result<> {
        auto handle = std::make_unique<OpenFile>();
        handle->source = SALVAGE_TRY(tree(request).open(number));
        const auto extents = SALVAGE_TRY(handle->source->extents(io::whole(*handle->source)));
        handle->has_lost_areas = std::ranges::any_of(extents, is_lost);
        file->direct_io = handle->has_lost_areas ? 1 : 0;
        file->keep_cache = 1;
        file->noflush = 1;
        keep(*file, std::move(handle));
        if (::fuse_reply_open(request, file) == -ENOENT) {
            const std::unique_ptr<OpenFile> unused{&opened<OpenFile>(*file)}; // who asked has gone
        }
        return {};
    });
}

/// How much of `range` can be read before the first byte that is lost.
std::size_t readable_front(const io::ByteSource& source, ByteRange range)
{
    const auto extents = source.extents(range);
    if (!extents.has_value()) {
        return 0;
    }
    const auto bad = std::ranges::find_if(*extents, is_lost);
    return bad == extents->end() ? 0 : static_cast<std::size_t>((bad->range.start() - range.start()).value);
}

Result<std::span<std::byte>> read_range(const OpenFile& file, ByteRange range)
{
    const auto into = reply_room(static_cast<std::size_t>(range.size().value));
    auto read = file.source->read_at(range.start(), into);
    if (read.has_value()) {
        return into;
    }
    const auto front = file.has_lost_areas ? into.first(readable_front(*file.source, range)) : into.first(0);
    if (front.empty()) {
        return std::move(read).error();
    }
    SALVAGE_TRY(file.source->read_at(range.start(), front));
    return front;
}

void on_read(fuse_req_t request, fuse_ino_t /*number*/, std::size_t size, off_t at, fuse_file_info* info)
{
    guarded(request, [&]() -> Result<> {
        const auto& file = opened<OpenFile>(*info);
        const auto wanted = ByteRange::make(ByteOffset{static_cast<std::uint64_t>(at)}, ByteCount{size});
        const auto range = wanted ? wanted->intersection(io::whole(*file.source)) : ByteRange{};
        const auto bytes = range.is_empty() ? std::span<std::byte>{} : SALVAGE_TRY(read_range(file, range));
        ::fuse_reply_buf(request, as_chars(bytes), bytes.size());
        return {};
    });
}

/// The first byte at or behind `from` that lies in a hole, or in none.  Nothing: there is no such byte.
Result<std::optional<ByteOffset>> seek(const io::ByteSource& source, ByteOffset from, bool is_hole_wanted)
{
    constexpr ByteCount window{1ULL << 30U}; // a question about all of a large image could be long to answer
    const ByteOffset end{source.size().value};
    while (from < end) {
        const auto until = std::min(end, from + window);
        for (const auto& extent : SALVAGE_TRY(source.extents(ByteRange::between(from, until)))) {
            if ((extent.kind == io::ExtentKind::hole) == is_hole_wanted) {
                return extent.range.start();
            }
        }
        from = until;
    }
    return is_hole_wanted ? std::optional{end} : std::nullopt; // every file ends in a hole: lseek(2)
}

void on_lseek(fuse_req_t request, fuse_ino_t /*number*/, off_t from, int whence, fuse_file_info* info)
{
    guarded(request, [&]() -> Result<> {
        const auto& source = *opened<OpenFile>(*info).source;
        const bool is_inside = from >= 0 && static_cast<std::uint64_t>(from) < source.size().value;
        if (!is_inside) {
            ::fuse_reply_err(request, ENXIO);
            return {};
        }
        const auto found = SALVAGE_TRY(seek(source, ByteOffset{static_cast<std::uint64_t>(from)}, whence == SEEK_HOLE));
        if (found) {
            ::fuse_reply_lseek(request, static_cast<off_t>(found->value));
        } else {
            ::fuse_reply_err(request, ENXIO);
        }
        return {};
    });
}

// --- folders ---------------------------------------------------------------------------------------------------------

struct OpenFolder {
    FolderPtr folder;
};

void on_opendir(fuse_req_t request, fuse_ino_t number, fuse_file_info* file)
{
    guarded(request, [&]() -> Result<> {
        auto handle = std::make_unique<OpenFolder>();
        handle->folder = SALVAGE_TRY(tree(request).list(number));
        // A damaged folder is asked for again and again, that its error is heard each time.
        file->cache_readdir = handle->folder->damage() ? 0 : 1;
        file->keep_cache = file->cache_readdir;
        keep(*file, std::move(handle));
        if (::fuse_reply_open(request, file) == -ENOENT) {
            const std::unique_ptr<OpenFolder> unused{&opened<OpenFolder>(*file)};
        }
        return {};
    });
}

enum class Plus : bool { no, yes };

/// Fills the front of a reply with entries.  Entry 0 is ".", 1 is "..", the folder's own begin at 2.
class EntryWriter {
public:
    EntryWriter(fuse_req_t request, std::span<std::byte> room, Plus plus) : request_{request}, room_{room}, plus_{plus}
    {
    }

    /// False: there is no room left.
    bool add(const char* name, const fuse_entry_param& entry, std::uint64_t next)
    {
        const auto left = room_.subspan(used_);
        const auto taken = plus_ == Plus::yes ? ::fuse_add_direntry_plus(request_, as_chars(left), left.size(), name,
                                                                         &entry, static_cast<off_t>(next))
                                              : ::fuse_add_direntry(request_, as_chars(left), left.size(), name,
                                                                    &entry.attr, static_cast<off_t>(next));
        if (taken > left.size()) {
            return false;
        }
        used_ += taken;
        return true;
    }
    [[nodiscard]] std::span<std::byte> written() const { return room_.first(used_); }

private:
    fuse_req_t request_;
    std::span<std::byte> room_;
    Plus plus_;
    std::size_t used_{0};
};

/// "." and ".." and what is lost: a name and a type, and no node that the kernel could take for known.
fuse_entry_param name_only(NodeNumber number, EntryType type)
{
    fuse_entry_param out{};
    out.attr.st_ino = number;
    out.attr.st_mode = type_bits(type);
    return out;
}

Result<> write_entries(EntryWriter& writer, const Folder& folder, NodeNumber number, std::uint64_t from)
{
    constexpr std::uint64_t dots = 2;
    const auto& nodes = folder.nodes();
    for (auto at = from; at < nodes.size() + dots; ++at) {
        if (at < dots) {
            if (!writer.add(at == 0 ? "." : "..", name_only(number, EntryType::directory), at + 1)) {
                return {};
            }
            continue;
        }
        const auto& node = nodes.at(static_cast<std::size_t>(at - dots));
        const auto entry = node.is_lost ? name_only(node.number, node.entry.type) : to_parameter(node);
        if (!writer.add(node.entry.name.c_str(), entry, at + 1)) {
            return {};
        }
    }
    if (writer.written().empty() && folder.damage()) {
        return *folder.damage(); // behind everything that could be read
    }
    return {};
}

template <Plus plus>
void on_readdir(fuse_req_t request, fuse_ino_t number, std::size_t size, off_t from, fuse_file_info* file)
{
    guarded(request, [&]() -> Result<> {
        EntryWriter writer{request, reply_room(size), plus};
        SALVAGE_TRY(write_entries(writer, *opened<OpenFolder>(*file).folder, number, static_cast<std::uint64_t>(from)));
        ::fuse_reply_buf(request, as_chars(writer.written()), writer.written().size());
        return {};
    });
}

// --- extended attributes ---------------------------------------------------------------------------------------------

/// The answer to a question with a room of `size` bytes; 0 asks how many are needed.
void reply_attribute(fuse_req_t request, std::string_view value, std::size_t size)
{
    if (size == 0) {
        ::fuse_reply_xattr(request, value.size());
    } else if (size < value.size()) {
        ::fuse_reply_err(request, ERANGE);
    } else {
        ::fuse_reply_buf(request, value.data(), value.size());
    }
}

void on_getxattr(fuse_req_t request, fuse_ino_t number, const char* name, std::size_t size)
{
    guarded(request, [&]() -> Result<> {
        const auto attributes = SALVAGE_TRY(tree(request).extended_attributes(number));
        const auto found = std::ranges::find_if(attributes, [&](const auto& one) { return one.first == name; });
        if (found == attributes.end()) {
            ::fuse_reply_err(request, ENODATA);
        } else {
            reply_attribute(request, as_text(found->second), size);
        }
        return {};
    });
}

void on_listxattr(fuse_req_t request, fuse_ino_t number, std::size_t size)
{
    guarded(request, [&]() -> Result<> {
        std::string names;
        for (const auto& [name, value] : SALVAGE_TRY(tree(request).extended_attributes(number))) {
            names += name;
            names += '\0';
        }
        reply_attribute(request, names, size);
        return {};
    });
}

void on_statfs(fuse_req_t request, fuse_ino_t /*number*/)
{
    struct statvfs out{};
    out.f_bsize = 4096;
    out.f_frsize = 4096;
    out.f_blocks = tree(request).size().value / out.f_frsize;
    out.f_namemax = 255;
    ::fuse_reply_statfs(request, &out);
}

} // namespace

fuse_lowlevel_ops operations() noexcept
{
    fuse_lowlevel_ops out{};
    out.init = on_init;
    out.lookup = on_lookup;
    out.getattr = on_getattr;
    out.readlink = on_readlink;
    out.open = on_open;
    out.read = on_read;
    out.release = release<OpenFile>;
    out.lseek = on_lseek;
    out.opendir = on_opendir;
    out.readdir = on_readdir<Plus::no>;
    out.readdirplus = on_readdir<Plus::yes>;
    out.releasedir = release<OpenFolder>;
    out.getxattr = on_getxattr;
    out.listxattr = on_listxattr;
    out.statfs = on_statfs;
    return out;
}

} // namespace salvage::fuse
